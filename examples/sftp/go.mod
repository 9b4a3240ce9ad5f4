module github.com/refmon/refmon/examples/sftp

go 1.26.0

require (
	github.com/pkg/sftp v1.13.12
	github.com/refmon/refmon v0.0.0
)

require (
	github.com/kr/fs v0.1.0 // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/refmon/refmon => ../..
