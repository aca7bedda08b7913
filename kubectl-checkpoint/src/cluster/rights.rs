//! Rights in the cluster: which are needed, which are missing, and the RBAC
//! objects that would grant them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::connection::{AskError, Connection};

/// One right: a verb on a resource, in a namespace or in the whole cluster.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Right {
    /// Namespace; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// API group; "" is the core group.
    pub group: String,
    /// `resource` or `resource/subresource`.
    pub resource: String,
    /// The verb.
    pub verb: String,
    /// What it is needed for.
    pub purpose: String,
}

impl Right {
    /// A right in the whole cluster, on the core group.
    pub fn cluster(verb: &str, resource: &str, purpose: &str) -> Self {
        Self {
            namespace: None,
            group: String::new(),
            resource: resource.into(),
            verb: verb.into(),
            purpose: purpose.into(),
        }
    }

    /// A right in one namespace.
    pub fn namespaced(namespace: &str, verb: &str, group: &str, resource: &str, purpose: &str) -> Self {
        Self {
            namespace: Some(namespace.into()),
            group: group.into(),
            ..Self::cluster(verb, resource, purpose)
        }
    }
}

/// Asks the API server about each right. Returns those it denies.
///
/// # Errors
///
/// When the API server cannot be asked.
pub async fn missing(connection: &Connection, rights: &[Right]) -> Result<Vec<Right>, AskError> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(connection.client.clone());
    let questions = rights.iter().map(|right| {
        let reviews = &reviews;
        async move {
            let (resource, subresource) = match right.resource.split_once('/') {
                Some((resource, sub)) => (resource, Some(sub.to_owned())),
                None => (right.resource.as_str(), None),
            };
            let review = SelfSubjectAccessReview {
                spec: SelfSubjectAccessReviewSpec {
                    resource_attributes: Some(ResourceAttributes {
                        namespace: right.namespace.clone(),
                        group: Some(right.group.clone()),
                        resource: Some(resource.to_owned()),
                        subresource,
                        verb: Some(right.verb.clone()),
                        ..ResourceAttributes::default()
                    }),
                    ..SelfSubjectAccessReviewSpec::default()
                },
                ..SelfSubjectAccessReview::default()
            };
            let params = PostParams::default();
            let answer = connection.ask(reviews.create(&params, &review)).await?;
            let allowed = answer.status.is_some_and(|status| status.allowed);
            Ok::<_, AskError>((!allowed).then(|| right.clone()))
        }
    });
    let answers = futures::future::try_join_all(questions).await?;
    let denied: BTreeSet<Right> = answers.into_iter().flatten().collect();
    Ok(denied.into_iter().collect())
}

/// Writes the roles and bindings that grant `rights`, nothing more, as YAML.
///
/// `user` is who is to have them; without one the binding says so to be filled in.
pub fn rbac_yaml(name: &str, rights: &[Right], user: Option<&str>) -> String {
    let scopes: BTreeSet<Option<&str>> = rights.iter().map(|right| right.namespace.as_deref()).collect();
    let mut out = String::new();
    for scope in scopes {
        let rules: BTreeSet<(&str, &str)> = rights
            .iter()
            .filter(|right| right.namespace.as_deref() == scope)
            .map(|right| (right.group.as_str(), right.resource.as_str()))
            .collect();
        let (kind, place) = match scope {
            None => ("ClusterRole", String::new()),
            Some(namespace) => ("Role", format!(", namespace: {}", scalar(namespace))),
        };
        let metadata = format!("metadata: {{name: {}{place}}}", scalar(name));
        // Writing to a String cannot end in an error.
        let _ =
            write!(out, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n{metadata}\nrules:\n");
        for (group, resource) in rules {
            let verbs: BTreeSet<&str> = rights
                .iter()
                .filter(|r| r.namespace.as_deref() == scope && r.group == group && r.resource == resource)
                .map(|right| right.verb.as_str())
                .collect();
            let verbs = verbs.into_iter().collect::<Vec<_>>().join(", ");
            let group = scalar(group);
            let _ = writeln!(out, "- {{apiGroups: [{group}], resources: [{resource}], verbs: [{verbs}]}}");
        }
        let _ = write!(
            out,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}Binding\n{metadata}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {}}}\n\
             subjects:\n- {}\n",
            scalar(name),
            subject(user)
        );
    }
    out
}

fn subject(user: Option<&str>) -> String {
    let Some(user) = user else {
        return String::from(
            "{apiGroup: rbac.authorization.k8s.io, kind: User, name: FILL-IN}  # kubectl auth whoami",
        );
    };
    match user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
        Some((namespace, name)) => {
            format!("{{kind: ServiceAccount, namespace: {}, name: {}}}", scalar(namespace), scalar(name))
        }
        None => format!("{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {}}}", scalar(user)),
    }
}

/// A YAML scalar: plain where it cannot be mistaken, else in double quotes.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        && !matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if plain {
        text.to_owned()
    } else {
        // JSON strings are YAML strings; the direction marks JSON lets pass are escaped before.
        serde_json::Value::from(super::text::escape(text)).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_grouped_and_minimal() {
        let rights = [
            Right::cluster("create", "nodes/proxy", "trigger"),
            Right::namespaced("shop", "create", "", "pods", "collector"),
            Right::namespaced("shop", "delete", "", "pods", "collector"),
            Right::namespaced("shop", "get", "", "pods/exec", "transfer"),
        ];
        let yaml = rbac_yaml("x", &rights, Some("system:serviceaccount:default:proxy"));
        assert_eq!(
            yaml,
            "---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: x}
rules:
- {apiGroups: [\"\"], resources: [nodes/proxy], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: x}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: x}
subjects:
- {kind: ServiceAccount, namespace: default, name: proxy}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: x, namespace: shop}
rules:
- {apiGroups: [\"\"], resources: [pods], verbs: [create, delete]}
- {apiGroups: [\"\"], resources: [pods/exec], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: x, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: x}
subjects:
- {kind: ServiceAccount, namespace: default, name: proxy}
"
        );
    }

    #[test]
    fn a_strange_user_stays_inside_its_quotes() {
        let rights = [Right::cluster("create", "nodes/proxy", "")];
        let yaml = rbac_yaml("x", &rights, Some("a\"}\n- evil: \x1b[0m"));
        assert!(!yaml.contains("\n- evil"), "{yaml}");
        assert!(!yaml.contains('\x1b'), "{yaml}");
        assert!(yaml.contains("\"a\\\"}\\\\n- evil"), "{yaml}");
    }
}
