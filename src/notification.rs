//! Desktop notifications, for those who look at something else.

/// Shows a desktop notification, which can take seconds. Not every desktop shows them, so they only repeat what is said
/// elsewhere, and a failure is only logged.
pub fn show(title: &str, body: &str) {
    let shown = notify_rust::Notification::new().appname("Hone").summary(title).body(body).show();
    if let Err(error) = shown {
        log::info!("The desktop showed no notification: {error}");
    }
}
