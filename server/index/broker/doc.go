// Package broker runs a message server for an index of many machines: nats-server with the
// keys and permissions of a site, alone in the process or as one of a cluster.
//
//	b, err := broker.Start(s, broker.Options{Store: "/var/lib/refmon-nats"})
//	defer b.Close()
//
// Guards: a [Broker] may be used by many goroutines.
package broker
