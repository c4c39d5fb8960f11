// Package beforehand makes slow pages instant: whatever is expensive to
// compute is computed beforehand, on a schedule, once, and every reader is
// handed the last finished result.
//
//	site, err := beforehand.Open(ctx, beforehand.Config{State: state})
//	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{Trigger: trigger.Every(time.Hour)})
//	mux.Handle("GET /hot.json", hot)
//	articles := hot.Value()
//	err = site.Run(ctx)
//
// A [Report] is a function, a trigger, and the last result of the function. It
// is an http.Handler, and its Value is typed; neither ever waits, computes,
// opens a file or asks a database. Start [Site.Run] in every process: the
// processes that share a [State] run each tick once among them, and all of them
// swap to the new result within a second.
//
// The state is handed in by the program: memory.New, sqlite.Open, postgres.Open
// and their kin. This package imports no driver.
package beforehand
