module github.com/refmon/refmon/record

go 1.25.0

require (
	github.com/refmon/refmon v0.0.0
	golang.org/x/sys v0.42.0
)

require go.starlark.net v0.0.0-20260908191801-89a6a09411d5 // indirect

replace github.com/refmon/refmon => ../
