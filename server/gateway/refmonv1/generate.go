// Package refmonv1 has the messages of the gateway's API, as protoc makes them of
// refmon.proto, which is the interface.
//
//	answer, err := client.Check(ctx, connect.NewRequest(&refmonv1.CheckRequest{Object: object}))
//
// A message belongs to one goroutine while it is written to.
package refmonv1

//go:generate sh generate.sh
