//! The server's own description.

use http::Request;
use testkit::on_both;

#[tokio::test]
async fn the_description_is_public_and_is_sent_once_to_who_keeps_it() {
    let told = on_both(async |house| {
        let first = house.send_as_is(Request::get("/openapi.json"), "").await;
        let etag = first.header("etag").expect("it has one").to_owned();
        house.note(format!("{} {}", first.status, first.header("content-type").unwrap_or("none")));
        let info = first.get("info");
        house.note(format!("{} {} {}", first.field("openapi"), info["title"], info["version"]));
        let create = &first.get("paths")["/v1/Services/{ChatServiceSid}/Users"]["post"];
        house.note(format!("{}, {}", create["operationId"], create["responses"]["201"]["content"]));

        for (given, expected) in [(etag.as_str(), 304), ("\"other\"", 200), ("W/\"other\", *", 304)] {
            let request = Request::get("/openapi.json").header("if-none-match", given);
            let reply = house.send_as_is(request, "").await;
            assert_eq!((reply.status.as_u16(), reply.header("etag")), (expected, Some(&*etag)));
            assert_eq!(reply.body.is_empty(), expected == 304);
        }
    })
    .await;
    insta::assert_snapshot!(told, @r##"
    200 OK application/json;charset=utf-8

    3.1.0 "Tertulia" "0.1.0"

    "CreateServiceUser", {"application/json":{"schema":{"$ref":"#/components/schemas/User"}}}
    "##);
}

#[tokio::test]
async fn the_path_of_another_product_says_what_is_served() {
    let told = on_both(async |house| house.note(house.get("/v2/Conversations").await.text())).await;
    insta::assert_snapshot!(told, @r#"
    404 Not Found
    {
      "code": 20404,
      "message": "The requested resource /v2/Conversations was not found: /v2 is another product; Conversations is served at /v1",
      "more_info": "https://www.twilio.com/docs/errors/20404",
      "status": 404
    }
    "#);
}
