//! Rights are reviewed before anything is touched, all at once: whoever lacks
//! several should not learn of them one by one.

use anyhow::{Result, bail};
use serde_json::Value;

use super::backend;
use super::connection::Connection;
use super::report::Reporter;
use super::rights::{Right, missing, rbac_yaml};

/// Reviews the rights that `what` needs, and ends with the rule to apply where
/// one is missing.
///
/// # Errors
///
/// When a right is missing and that was not to be passed over.
pub(super) async fn require(
    connection: &Connection,
    rights: &[Right],
    what: &str,
    user: Option<&Value>,
    skip: bool,
    reporter: &Reporter,
) -> Result<()> {
    let mut denied = match missing(connection, rights).await {
        Ok(denied) => denied,
        Err(error) => {
            reporter.warn(&format!("cannot ask which rights there are: {error}"));
            return Ok(());
        }
    };
    denied.dedup_by(|a, b| a.resource == b.resource && a.verb == b.verb && a.namespace == b.namespace);
    if denied.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = denied.iter().map(describe).collect();
    let name = user.and_then(|user| user.pointer("/username")).and_then(Value::as_str);
    let advice = backend::other_way(connection, &denied).await;
    let message = format!(
        "rights are missing to {what}; nothing was touched:\n{}{}\n\nhave this applied (it grants what is missing and no more):\n\n{}",
        lines.join("\n"),
        advice.map_or_else(String::new, |advice| format!("\n  try:   {advice}")),
        rbac_yaml("checkpoint-capture", &denied, name).trim_end()
    );
    if !skip {
        bail!(message);
    }
    reporter.warn(&message);
    Ok(())
}

fn describe(right: &Right) -> String {
    let place =
        right.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    format!("  {} {}{place}: to {}", right.verb, right.resource, right.purpose)
}
