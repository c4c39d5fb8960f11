module github.com/beforehand-go/beforehand/bench

go 1.26.0

require (
	github.com/adhocore/gronx v1.20.4
	github.com/beforehand-go/beforehand v0.0.0
	github.com/go-co-op/gocron/v2 v2.21.2
	github.com/netresearch/go-cron v0.9.1
	github.com/reugn/go-quartz v0.15.2
	github.com/robfig/cron/v3 v3.0.1
	github.com/valyala/fasthttp v1.65.0
)

require (
	github.com/andybalholm/brotli v1.2.8 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/jonboulle/clockwork v0.5.0 // indirect
	github.com/klauspost/compress v1.20.1 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
)

replace github.com/beforehand-go/beforehand => ../
