//! The endpoint of DynamoDB.

use std::sync::OnceLock;

use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint};

/// Finds the endpoint by the SDK's rules for the first call, and remembers it.
///
/// INVARIANT: tables are named by their names, and credentials do not name the account, so every call of a client has the same endpoint.
#[derive(Debug, Default)]
pub(crate) struct ConstantEndpoint {
    rules: DefaultResolver,
    found: OnceLock<Endpoint>,
}

impl ResolveEndpoint for ConstantEndpoint {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        if let Some(endpoint) = self.found.get() {
            return EndpointFuture::ready(Ok(endpoint.clone()));
        }
        EndpointFuture::new(async {
            let endpoint = ResolveEndpoint::resolve_endpoint(&self.rules, params).await?;
            Ok(self.found.get_or_init(|| endpoint).clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(region: Option<&str>, table: &str) -> Params {
        let params = Params::builder().set_region(region.map(str::to_owned)).resource_arn(table);
        params.account_id_endpoint_mode("preferred").build().unwrap()
    }

    #[tokio::test]
    async fn endpoint_of_each_table_is_that_of_the_rules() {
        let (constant, rules) = (ConstantEndpoint::default(), DefaultResolver::new());
        for table in ["Decisions", "Incidents", "Decisions"] {
            let params = params(Some("eu-central-1"), table);
            let expected = ResolveEndpoint::resolve_endpoint(&rules, &params).await.unwrap();
            assert_eq!(constant.resolve_endpoint(&params).await.unwrap(), expected);
            assert_eq!(expected.url(), "https://dynamodb.eu-central-1.amazonaws.com");
        }
    }

    #[tokio::test]
    async fn endpoint_that_is_not_found_is_searched_again() {
        let constant = ConstantEndpoint::default();
        assert!(constant.resolve_endpoint(&params(None, "Decisions")).await.is_err());
        assert!(constant.resolve_endpoint(&params(Some("eu-central-1"), "Decisions")).await.is_ok());
    }
}
