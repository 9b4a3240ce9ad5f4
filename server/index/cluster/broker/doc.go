// Package broker runs a NATS server with the keys and permissions of a site, single or in a
// cluster.
//
//	b, err := broker.Start(s, broker.Options{Store: "/var/lib/refmon-nats"})
//	defer b.Close()
//
// A [Broker] may be used by many goroutines.
package broker
