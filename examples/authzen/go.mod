module github.com/refmon/refmon/examples/authzen

go 1.26.0

require (
	github.com/refmon/refmon v0.0.0
	github.com/refmon/refmon/server v0.0.0
)

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/refmon/refmon => ../..
	github.com/refmon/refmon/server => ../../server
)
