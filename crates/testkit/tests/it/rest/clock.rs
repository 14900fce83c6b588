//! `/tertulia/v1/Clock`: time that is moved, and what happens on the way. And the seed, which with it makes
//! a run repeatable.

use std::sync::Arc;

use conversations::SeededIds;
use http::Request;
use insta::assert_snapshot;
use server::{ManualClock, Settings};
use testkit::{Database, Engine, House, Reply, on_both_with};

const CLOCK: &str = "/tertulia/v1/Clock";

async fn ask(house: &House, request: http::request::Builder, form: &str) -> Reply {
    let request = request.header("authorization", "Bearer the-admin-token");
    house.send_as_is(request.header("content-type", "application/x-www-form-urlencoded"), form).await
}

async fn set(house: &House, form: &str) -> Reply {
    ask(house, Request::post(CLOCK), form).await
}

fn settings() -> Settings {
    Settings {
        admin_tokens: vec!["the-admin-token".to_owned()],
        manual_clock: Some(Arc::new(ManualClock::default())),
        ..Settings::default()
    }
}

/// The same as [`testkit::on_both`] with a clock of its own on each.
async fn on_both<T: PartialEq + std::fmt::Debug>(test: impl AsyncFn(&House) -> T) -> T {
    let mut told = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::create(engine).await;
        let house = House::open(engine, &database, settings()).await;
        told.push(test(&house).await);
        house.close();
        drop(house);
        database.remove().await;
    }
    assert_eq!(told[0], told[1], "SQLite and PostgreSQL tell the same");
    told.swap_remove(0)
}

#[tokio::test]
async fn the_clock_is_told_moved_and_never_set_back() {
    let told = on_both(async |house| {
        let mut told = vec![ask(house, Request::get(CLOCK), "").await.text()];
        for form in ["Advance=P1D", "Set=2030-01-01T00:00:00Z", "Set=2029-12-31", "Advance=tomorrow", ""] {
            told.push(set(house, form).await.text());
        }
        told.push(ask(house, Request::delete(CLOCK), "").await.code());
        told.push(house.post("/v1/Conversations", "").await.field("date_created"));
        told.push(house.get(CLOCK).await.code());
        told.join("\n\n")
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "mode": "manual",
      "now": "2026-01-01T00:00:00.000Z"
    }

    200 OK
    {
      "mode": "manual",
      "now": "2026-01-02T00:00:00.000Z"
    }

    200 OK
    {
      "mode": "manual",
      "now": "2030-01-01T00:00:00.000Z"
    }

    400 Bad Request
    {
      "code": 20001,
      "message": "The clock stands at 2030-01-01T00:00:00.000Z and does not go back",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }

    400 Bad Request
    {
      "code": 20001,
      "message": "Invalid value for parameter Advance",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }

    400 Bad Request
    {
      "code": 20001,
      "message": "Either Advance, a duration, or Set, a date, is needed",
      "more_info": "https://www.twilio.com/docs/errors/20001",
      "status": 400
    }

    405 20004

    2030-01-01T00:00:00Z

    404 20404
    "#);
}

#[tokio::test]
async fn the_real_clock_is_told_and_nobody_moves_it() {
    let settings = Settings { manual_clock: None, ..settings() };
    let told = on_both_with(settings, async |house| {
        house.note(ask(house, Request::get(CLOCK), "").await.field("mode"));
        house.note(set(house, "Advance=P1D").await.text());
    })
    .await;
    assert_snapshot!(told, @r#"
    real

    409 Conflict
    {
      "code": 20409,
      "message": "This server runs on the real clock, which nobody can move; start it with --clock manual",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }
    "#);
}

#[tokio::test]
async fn everything_happens_at_its_own_time_on_the_way() {
    let told = on_both(async |house| {
        let mut told = Vec::new();
        let mut paths = Vec::new();
        for timers in
            ["Timers.Inactive=PT3M", "Timers.Inactive=PT1M&Timers.Closed=PT10M", "Timers.Closed=P1D"]
        {
            let sid = house.post("/v1/Conversations", timers).await.sid();
            paths.push(format!("/v1/Conversations/{sid}"));
        }
        for form in ["Advance=PT2M", "Advance=PT18M", "Set=2026-01-03"] {
            told.push(set(house, form).await.field("now"));
            for path in &paths {
                let reply = house.get(path).await;
                told.push(format!("    {} {}", reply.field("date_updated"), reply.field("state")));
            }
        }
        told.join("\n")
    })
    .await;
    assert_snapshot!(told, @"
    2026-01-01T00:02:00.000Z
        2026-01-01T00:00:00Z active
        2026-01-01T00:01:00Z inactive
        2026-01-01T00:00:00Z active
    2026-01-01T00:20:00.000Z
        2026-01-01T00:03:00Z inactive
        2026-01-01T00:10:00Z closed
        2026-01-01T00:00:00Z active
    2026-01-03T00:00:00.000Z
        2026-01-01T00:03:00Z inactive
        2026-01-01T00:10:00Z closed
        2026-01-02T00:00:00Z closed
    ");
}

#[tokio::test]
async fn what_is_due_by_a_date_in_the_past_is_done_when_the_request_is_answered() {
    on_both(async |house| {
        let sid = house.post("/v1/Conversations", "").await.sid();
        set(house, "Advance=P1D").await;
        let path = format!("/v1/Conversations/{sid}");
        house.post(&path, "Timers.Closed=PT1H&DateUpdated=2026-01-01T00:00:00Z").await;
        assert_eq!(house.get(&path).await.field("state"), "closed");
    })
    .await;
}

#[tokio::test]
async fn the_clock_goes_on_after_a_restart_where_it_stood() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::create(engine).await;
        let first = wire::Timestamp::from_micros(1_767_225_600_000_000);
        let mut expected = "2026-01-01T00:00:00.000Z";
        for (advance, after) in [("P1D", "2026-01-02T00:00:00.000Z"), ("PT1S", "2026-01-02T00:00:01.000Z")] {
            let settings = settings();
            let clock = settings.manual_clock.clone().expect("it is manual");
            let house = House::join(engine, &database, settings, Arc::default());
            clock.begin(house.app.store(), first).await.expect("the clock begins");
            assert_eq!(ask(&house, Request::get(CLOCK), "").await.field("now"), expected);
            assert_eq!(set(&house, &format!("Advance={advance}")).await.field("now"), after);
            expected = after;
            house.close();
        }
        database.remove().await;
    }
}

/// Everything that a little life is answered, headers of identity included.
async fn transcript(engine: Engine, seed: u64, block: u32) -> String {
    let database = Database::create(engine).await;
    let ids = Arc::new(SeededIds::new(seed, block));
    let house = House::open_with(engine, &database, (settings(), ids)).await;
    let mut told = Vec::new();
    let mut note = |reply: Reply| {
        let id = reply.header("twilio-request-id").expect("every answer has one").to_owned();
        told.push(format!("{id} {}", reply.text()));
    };
    let made = house.post("/v1/Conversations", "Timers.Inactive=PT1M").await;
    let path = format!("/v1/Conversations/{}", made.sid());
    note(made);
    // Probes come as they like.
    for _ in 0..block {
        house.get("/healthz/live").await;
    }
    note(house.post(&format!("{path}/Participants"), "Identity=alice").await);
    note(house.post(&format!("{path}/Messages"), "Body=hello&Author=alice").await);
    note(house.post("/tertulia/v1/Keys", "FriendlyName=bot").await);
    note(set(&house, "Advance=PT2M").await);
    for list in ["/v1/Conversations", "/v1/Users", "/v1/Roles", "/v1/Services"] {
        note(house.get(list).await);
    }
    house.close();
    drop(house);
    database.remove().await;
    told.join("\n")
}

#[tokio::test]
async fn the_same_seed_and_the_same_requests_have_the_same_answers() {
    let first = transcript(Engine::Sqlite, 7, 1).await;
    assert_eq!(first, transcript(Engine::Sqlite, 7, 1).await);
    assert_eq!(first, transcript(Engine::Postgres, 7, 1).await);
    assert_ne!(first, transcript(Engine::Sqlite, 8, 1).await);
    assert_ne!(first, transcript(Engine::Sqlite, 7, 2).await);
}

#[tokio::test]
async fn every_start_takes_a_block_of_ids_that_nobody_had() {
    on_both(async |house| {
        let mut taken = Vec::new();
        for _ in 0..3 {
            let take = house.app.store().write(store::Roots::none(), conversations::seeded_ids::take_block);
            taken.push(take.await.expect("a block"));
        }
        assert_eq!(taken, [1, 2, 3]);
    })
    .await;
}
