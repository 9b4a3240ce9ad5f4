module github.com/refmon/refmon/server

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	github.com/refmon/refmon v0.0.0
	golang.org/x/sys v0.42.0
)

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	golang.org/x/mod v0.34.0 // indirect
)

replace github.com/refmon/refmon => ../
