// Package middleware counts the pages that a Go server serves.
//
//	counter := middleware.New(middleware.Config{Sink: sink})
//	go counter.Run(ctx)
//	http.ListenAndServe(addr, counter.Handler(mux))
//
// A page is a GET answered 200 or 304 with HTML. The response is never touched
// nor delayed: what was seen goes to a buffer in memory, from which Run hands
// it to the sink. When the buffer is full, pages are dropped and counted. What
// is in the buffer when the process is killed is lost, at most what came in
// while the sink kept the pages before; what the sink has kept is on disk.
//
// The sink is a store that this process has open, or a queue (package
// middleware/queue) that sends to a running beforehand.
package middleware
