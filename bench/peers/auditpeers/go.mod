module github.com/refmon/refmon/bench/peers/auditpeers

go 1.26.0

require (
	github.com/refmon/refmon v0.0.0-00010101000000-000000000000
	github.com/transparency-dev/merkle v0.0.2
	go.etcd.io/bbolt v1.5.0
)

require (
	golang.org/x/mod v0.34.0 // indirect
	golang.org/x/sys v0.45.0 // indirect
)

replace github.com/refmon/refmon => ../../..
