// Package schedulertest tests engines and jobs.
//
// [Run] is the suite that every engine passes: what [scheduler.Store] promises,
// and schedulers working on it.
//
// [Simulate] is for those who write jobs: it takes them through simulated days
// in milliseconds, on several schedulers that crash, pause beyond their lease,
// lose their store and wake up again, and checks that every tick is accounted
// for and has its effect at most once.
package schedulertest
