//! Fair turns: no number of items of one group delays those of another.

use std::collections::BTreeMap;

/// Returns `items` in an order in which their groups take turns: the first item of each group, then the second of each, and so on.
/// Within a turn, and within a group, the order stays.
#[must_use]
pub fn take_turns<T, G: Ord>(items: Vec<T>, group: impl Fn(&T) -> G) -> Vec<T> {
    let mut turns: BTreeMap<G, usize> = BTreeMap::new();
    let with_turn = items.into_iter().map(|item| {
        let turn = turns.entry(group(&item)).or_default();
        *turn += 1;
        (*turn, item)
    });
    let mut items: Vec<(usize, T)> = with_turn.collect();
    items.sort_by_key(|(turn, _)| *turn);
    items.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_take_turns() {
        let items = vec!["a1", "a2", "a3", "b1", "a4", "c1", "b2"];
        let ordered = take_turns(items, |item| item.chars().next());
        assert_eq!(ordered, ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
    }

    proptest! {
        #[test]
        fn item_waits_for_at_most_its_predecessors_in_each_group(items in prop::collection::vec(0..5_u16, 0..60)) {
            let numbered: Vec<(u16, usize)> = items.iter().copied().zip(0..).collect();
            let ordered = take_turns(numbered.clone(), |(group, _)| *group);
            prop_assert_eq!(ordered.len(), items.len());
            for (place, (group, number)) in ordered.iter().enumerate() {
                let before = items[..*number].iter().filter(|other| *other == group).count();
                let of_group: Vec<_> = ordered.iter().filter(|(other, _)| other == group).map(|(_, number)| number).collect();
                prop_assert!(of_group.is_sorted());
                prop_assert!(place < (before + 1) * 5);
            }
        }
    }
}
