use super::*;

#[test]
fn no_debug_line_holds_the_recipient_the_code_or_a_new_key() {
    let send = ControlRequest::Send {
        application: None,
        to: Private::new("+919876543210"),
        channel: None,
        purpose: None,
        wait: false,
    };
    assert!(!format!("{send:?}").contains("98765"));
    assert_eq!(format!("{:?}", Private::new("sk_live")), "[private]");
}

#[test]
fn a_request_reads_back_as_it_was_said() {
    let request =
        ControlRequest::Doctor { send_to_phone: Some(Private::new("+919876543210")), send_to_email: None };
    let line = serde_json::to_string(&request).unwrap();
    assert_eq!(line, r#"{"request":"doctor","send_to_phone":"+919876543210","send_to_email":null}"#);
    assert_eq!(serde_json::from_str::<ControlRequest>(&line).unwrap(), request);
    assert_eq!(serde_json::to_string(&ControlRequest::ListKeys).unwrap(), r#"{"request":"list_keys"}"#);
}
