// Package refmonv1 contains the messages of the gateway's API. protoc generates them from refmon.proto. Change that
// file and run generate.sh, never the generated files.
//
//	answer, err := client.Check(ctx, connect.NewRequest(&refmonv1.CheckRequest{Object: object}))
//
// While one goroutine changes a message, no other may use it.
package refmonv1

//go:generate sh generate.sh
