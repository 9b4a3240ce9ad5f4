module github.com/refmon/refmon/bench/webdav

go 1.26.0

require (
	github.com/refmon/refmon v0.0.0
	github.com/refmon/refmon/server v0.0.0
	golang.org/x/net v0.60.0
	golang.org/x/sys v0.49.0
)

require (
	connectrpc.com/connect v1.21.1 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/mod v0.41.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/refmon/refmon => ../..
	github.com/refmon/refmon/server => ../../server
)
