// Package outbox holds what is to be told to somebody outside: mails and
// webhooks.
//
// A message is written down first, in the transaction of the run that has made
// it where there is one ([scheduler.Run.Commit] takes a Message), and sent
// afterwards. Its kind, its recipient and what it is about, a tick as a rule,
// name it: the same message is there once, however often it is put. It may be
// sent twice, when a process dies between sending it and noting that, and then
// has the same ID: receivers can drop the second one.
//
// [scheduler.Run.Commit]: https://pkg.go.dev/github.com/beforehand-go/beforehand/scheduler#Run.Commit
package outbox
