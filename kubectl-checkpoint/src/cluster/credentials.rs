//! What kubectl understands of credentials and the client library does not,
//! and messages about credentials that cannot be had.

use std::error::Error;

use kube::client::AuthError;
use kube::config::AuthInfo;

use super::text;

/// An id-token that ended in 1970: has the client library ask for a new one.
const ENDED: &str = "e30.eyJleHAiOjB9.e30";

/// Fills in what an `oidc` auth provider may leave out for kubectl: the
/// id-token, where it can be had with the refresh token, and the secret of a
/// public client.
pub(super) fn complete(user: &mut AuthInfo) {
    let Some(provider) = user.auth_provider.as_mut().filter(|provider| provider.name == "oidc") else {
        return;
    };
    let config = &mut provider.config;
    if config.contains_key("refresh-token") {
        config.entry(String::from("client-secret")).or_default();
        let token = config.entry(String::from("id-token")).or_default();
        if token.is_empty() {
            ENDED.clone_into(token);
        }
    }
}

/// Says why a credential plugin gave nothing, where that is what the error is
/// about. The library's own words quote the plugin's environment and output,
/// where the secrets are.
pub(super) fn plugin_failure(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(AuthError::AuthExecRun { out, .. }) = error.downcast_ref::<AuthError>() {
            let said = text::quote(&String::from_utf8_lossy(&out.stderr));
            let colon = if said.is_empty() { "" } else { ": " };
            return Some(format!(
                "the credential plugin of the kubeconfig ended with {}{colon}{said}",
                out.status
            ));
        }
        cause = error.source();
    }
    None
}

/// What to do about an error of the credentials `user` describes; begins with
/// a line feed, or is empty.
pub(super) fn advice(error: &(dyn Error + 'static), user: &AuthInfo) -> String {
    let mut cause = Some(error);
    let mut auth = None;
    while let Some(error) = cause {
        auth = auth.or_else(|| error.downcast_ref::<AuthError>());
        cause = error.source();
    }
    let exec = user.exec.as_ref();
    let command = exec.and_then(|exec| exec.command.as_deref()).unwrap_or_default();
    match auth {
        Some(AuthError::AuthExecStart(_)) => {
            let hint = exec.and_then(|exec| exec.install_hint.as_deref()).map(text::quote);
            format!(
                "\n  cause: the kubeconfig names the credential plugin {}, which cannot be started\n  try:   {}",
                text::escape(command),
                hint.unwrap_or_else(|| String::from("install it, or put it into the PATH"))
            )
        }
        Some(AuthError::AuthExecRun { .. }) => {
            format!("\n  try:   run {} yourself, or log in again", text::escape(command))
        }
        Some(_) => String::from("\n  try:   log in again, then check: kubectl auth whoami"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use kube::config::AuthProviderConfig;

    use super::*;

    #[test]
    fn what_is_there_is_not_replaced() {
        let config: HashMap<String, String> =
            [("refresh-token", "r"), ("id-token", "a.b.c"), ("client-secret", "s")]
                .map(|(key, value)| (key.into(), value.into()))
                .into();
        let provider =
            AuthProviderConfig { name: "oidc".into(), config: config.clone(), ..Default::default() };
        let mut user = AuthInfo { auth_provider: Some(provider), ..AuthInfo::default() };
        complete(&mut user);
        assert_eq!(user.auth_provider.unwrap().config, config);
    }

    #[test]
    fn without_a_refresh_token_nothing_is_made_up() {
        let provider = AuthProviderConfig { name: "oidc".into(), ..Default::default() };
        let mut user = AuthInfo { auth_provider: Some(provider), ..AuthInfo::default() };
        complete(&mut user);
        assert!(user.auth_provider.unwrap().config.is_empty());
    }
}
