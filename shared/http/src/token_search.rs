//! The search for tokens that the cached credentials do not prove: one of them may be new.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use age_model::{KeyId, SecretHash, Timestamp, Token};

use crate::rate_limit::{RateLimiter, RequestRate};

/// How often one environment reads the credentials for tokens that are not proven, of all names together. If names had budgets of
/// their own, a stranger would see which names exist, and could cause as many reads as there are names.
const SEARCH_RATE: RequestRate = RequestRate::new(1, 10);

/// How many tokens that were searched in vain are remembered.
const MAX_REFUSED: usize = 100;

/// The searches of one environment.
///
/// INVARIANT: while strangers use the budget up, each of their searches reads the credentials, so the cached ones are at most as
/// old as the wait for the next search: a new token is accepted a second later. The budget keeps no new token out.
pub(crate) struct TokenSearch(Mutex<State>);

struct State {
    budget: RateLimiter<()>,
    /// Tokens that were searched in vain, the latest last. A worker that goes on sending a revoked token uses up no budget.
    refused: VecDeque<(KeyId, SecretHash)>,
}

impl TokenSearch {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { budget: RateLimiter::new(SEARCH_RATE), refused: VecDeque::new() }))
    }

    /// Whether to read the credentials for `token` now. Takes a permit if so.
    pub(crate) fn acquire(&self, token: &Token, now: Timestamp) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_refused = state.refused.iter().any(|(kid, hash)| (kid, *hash) == (token.kid(), token.hash()));
        !is_refused && state.budget.acquire(&(), now).is_ok()
    }

    /// Remembers that the credentials as of now do not prove `token`. AGE generates a token when it stores its credential, so one that
    /// is sent before does not become valid later.
    pub(crate) fn refuse(&self, token: &Token) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.refused.len() >= MAX_REFUSED {
            state.refused.pop_front();
        }
        state.refused.push_back((token.kid().clone(), token.hash()));
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, ManualClock};

    use super::*;

    #[test]
    fn budget_is_one_for_all_names_and_refused_tokens_use_none() {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let search = TokenSearch::new();
        let token = |number: usize| Token::fresh(format!("name-{number}").parse().unwrap(), &clock).unwrap();
        let refused = token(0);
        assert!(search.acquire(&refused, clock.now()));
        search.refuse(&refused);
        assert!((0..1000).all(|_| !search.acquire(&refused, clock.now())));
        let searched = (0..1000).filter(|number| search.acquire(&token(*number), clock.now())).count();
        assert_eq!(searched, 9);
        clock.advance(1);
        assert!(search.acquire(&token(1), clock.now()) && !search.acquire(&token(2), clock.now()));
        for number in 0..MAX_REFUSED {
            search.refuse(&token(number));
        }
        clock.advance(1);
        assert!(search.acquire(&refused, clock.now()), "the oldest is forgotten");
    }
}
