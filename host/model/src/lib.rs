//! Plain data of the domain: entities, ids, money, clock, statuses and errors.
