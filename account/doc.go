// Package account knows the people who may look behind the pages that everybody
// sees: users with their roles, their sessions, the links that let somebody in,
// and who did what.
//
// A [Desk] holds the rules. It keeps what it knows as records in a [Store] that
// decides nothing: a change is worked out from records that were read, and is
// refused as a whole when one of them has changed meanwhile. No secret is kept:
// of passwords there is a slow hash, of sessions and links a fast one, since
// those are random and as long as a key, and what a user's authenticator shares
// with the server is sealed under a key that lies elsewhere.
package account
