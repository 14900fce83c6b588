//! Devices that clients register, and whether users are on line: what users are told to be reachable by.

use std::sync::Arc;

use conversations::bindings::{self, Binding, Device, RegisterDevice};
use conversations::push_credentials::PushCredential;
use conversations::{Call, Failure, FromForm, users};
use serde_json::{Value, json};
use store::{Roots, Tx};
use testkit::{House, SdkUser, on_both};
use wire::{Form, Sid};

/// Runs in a transaction what is no operation; what it ends with, or the code that it is refused with.
async fn run<T: Send + 'static>(
    house: &House,
    user: &SdkUser,
    work: impl Fn(&mut Tx<'_>, &Call) -> Result<T, Failure> + Send + 'static,
) -> Result<T, u32> {
    let call = Arc::new(user.call("/registrations"));
    let done = house.app.store().write(Roots::none(), move |tx| work(tx, &call)).await;
    done.map_err(|failure| failure.problem().expect("the store works").code)
}

async fn register(
    house: &House,
    user: &SdkUser,
    credential: Option<&str>,
    form: &str,
) -> Result<Sid<Binding>, u32> {
    let credential = credential.map(|sid| Sid::<PushCredential>::parse(sid).expect("a sid"));
    let form = Form::parse(form.as_bytes()).expect("a form");
    run(house, user, move |tx, call| {
        let form = RegisterDevice::from_form(call, &form)?;
        Ok(bindings::register_device(tx, call, credential, &form)?.sid)
    })
    .await
}

async fn forget(house: &House, user: &SdkUser, form: &str) -> Result<(), u32> {
    let form = Form::parse(form.as_bytes()).expect("a form");
    run(house, user, move |tx, call| {
        let device = Device::from_form(call, &form)?;
        bindings::unregister_device(tx, call, &device)
    })
    .await
}

async fn reachable(house: &House) -> String {
    let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
    let form = "ReachabilityEnabled=true";
    assert_eq!(house.post(&format!("/v1/Services/{service}/Configuration"), form).await.code(), "200");
    service
}

/// Online, notifiable, and how often what is told of a user's profile has changed.
async fn seen(house: &House, identity: &str) -> (Value, Value, i64) {
    let user = house.get(&format!("/v1/Users/{identity}")).await;
    let sid: Sid<conversations::User> = Sid::parse(&user.sid()).expect("a sid");
    let position = move |tx: &mut Tx<'_>| {
        tx.row(
            "SELECT profile_position FROM user_heads WHERE sid = $1",
            &[&sid],
            crate::conformance::one::<i64>,
        )
    };
    let position = house.app.store().read(position).await.expect("the store reads").expect("a head");
    (user.get("is_online"), user.get("is_notifiable"), position)
}

const FCM: &str = "BindingType=fcm&Endpoint=device-1&MessageType=twilio.conversations.new_message\
     &MessageType=twilio.ipmsg.typing_indicator&MessageType=twilio.conversations.added_to_conversation";

#[tokio::test]
async fn a_device_is_registered_through_the_credential_of_its_token() {
    on_both(async |house| {
        let service = reachable(house).await;
        let (alice, bob) = (house.sdk_user("alice").await, house.sdk_user("bob").await);
        let credential = house.post("/v1/Credentials", "Type=fcm&Secret=s").await.sid();
        let fcm = Some(credential.as_str());
        assert_eq!(seen(house, "alice").await, (json!(false), Value::Null, 1));
        assert_eq!(register(house, &alice, fcm, "BindingType=pigeon&Endpoint=x").await, Err(50209));
        assert_eq!(register(house, &alice, fcm, "BindingType=fcm&Endpoint=").await, Err(20001));
        let long = format!("BindingType=fcm&Endpoint={}", "x".repeat(4097));
        assert_eq!(register(house, &alice, fcm, &long).await, Err(20001));
        assert_eq!(seen(house, "alice").await, (json!(false), Value::Null, 1));

        let sid = register(house, &alice, fcm, FCM).await.expect("it is registered");
        let path = format!("/v1/Services/{service}/Bindings/{sid}");
        let binding = house.get(&path).await;
        assert_eq!(binding.get("message_types"), json!(["new_message", "added_to_conversation"]));
        assert_eq!(
            (binding.field("credential_sid"), binding.field("identity")),
            (credential.clone(), "alice".into())
        );
        assert_eq!(seen(house, "alice").await, (json!(false), json!(true), 2));
        // The same device again is no news; another one is a binding more.
        assert_eq!(register(house, &alice, fcm, FCM).await, Ok(sid));
        let second =
            register(house, &alice, fcm, "BindingType=fcm&Endpoint=device-2").await.expect("one more");
        assert_eq!(seen(house, "alice").await, (json!(false), json!(true), 2));

        // Nobody forgets another's.
        let unregister = move |tx: &mut Tx<'_>, call: &Call| bindings::unregister(tx, call, sid);
        assert_eq!(run(house, &bob, unregister).await, Err(20404));
        assert_eq!(forget(house, &bob, FCM).await, Ok(()));
        assert_eq!(house.get(&path).await.code(), "200");
        assert_eq!(run(house, &alice, unregister).await, Ok(()));
        assert_eq!(run(house, &alice, unregister).await, Err(20404));
        assert_eq!(seen(house, "alice").await, (json!(false), json!(true), 2));
        assert_eq!(house.delete(&format!("/v1/Services/{service}/Bindings/{second}")).await.code(), "204");
        assert_eq!(seen(house, "alice").await, (json!(false), json!(false), 3));
        register(house, &alice, fcm, FCM).await.expect("it is registered");
        assert_eq!(forget(house, &alice, FCM).await, Ok(()));
        assert_eq!(seen(house, "alice").await, (json!(false), json!(false), 5));
        house.delete("/v1/Users/alice").await;
        assert_eq!(register(house, &alice, fcm, FCM).await, Err(50200));
    })
    .await;
}

#[tokio::test]
async fn users_are_on_line_only_where_the_service_keeps_it() {
    on_both(async |house| {
        let alice = house.sdk_user("alice").await;
        let set = async |is_online: bool| {
            let sid = Sid::parse(&alice.sid()).expect("a sid");
            let work = move |tx: &mut Tx<'_>, call: &Call| {
                Ok(users::set_online(tx, (call.account_sid, call.service_sid), sid, is_online)?)
            };
            run(house, &alice, work).await.expect("nothing refuses")
        };
        assert!(!set(true).await, "the service keeps no reachability");
        assert_eq!(seen(house, "alice").await, (Value::Null, Value::Null, 1));
        let service = reachable(house).await;
        assert!(!set(false).await, "nothing changes");
        assert!(set(true).await);
        assert!(!set(true).await, "nothing changes");
        assert_eq!(seen(house, "alice").await, (json!(true), Value::Null, 2));
        // Who was on line when nobody wanted to know any longer is not on line for ever.
        house.post(&format!("/v1/Services/{service}/Configuration"), "ReachabilityEnabled=false").await;
        assert!(set(false).await);
        reachable(house).await;
        assert_eq!(seen(house, "alice").await, (json!(false), Value::Null, 3));
        house.delete("/v1/Users/alice").await;
        assert!(!set(true).await, "there is nobody");
    })
    .await;
}

#[tokio::test]
async fn a_device_of_apn_makes_notifiable_until_it_is_forgotten() {
    on_both(async |house| {
        reachable(house).await;
        let (alice, bob) = (house.sdk_user("alice").await, house.sdk_user("bob").await);
        let keys = "Type=apn&Certificate=c&PrivateKey=k";
        let credential = house.post("/v1/Credentials", keys).await.sid();
        let apn = "BindingType=apn&Endpoint=device-1&MessageType=twilio.channel.new_message";
        let sid = register(house, &alice, Some(&credential), apn).await.expect("it is registered");
        assert_eq!(register(house, &alice, Some(&credential), apn).await, Ok(sid));
        assert_eq!(seen(house, "alice").await, (json!(false), json!(true), 2));
        // Nobody forgets another's, nor one of another kind.
        assert_eq!(forget(house, &bob, apn).await, Ok(()));
        assert_eq!(forget(house, &alice, "BindingType=fcm&Endpoint=device-1").await, Ok(()));
        assert_eq!(seen(house, "alice").await, (json!(false), json!(true), 2));
        assert_eq!(forget(house, &alice, apn).await, Ok(()));
        assert_eq!(seen(house, "alice").await, (json!(false), json!(false), 3));
    })
    .await;
}
