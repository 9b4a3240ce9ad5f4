module github.com/refmon/refmon/examples/webdav

go 1.26.0

require (
	github.com/refmon/refmon v0.0.0
	golang.org/x/net v0.60.0
	golang.org/x/sys v0.49.0
)

replace github.com/refmon/refmon => ../..
