package main

import (
	"os"
	"time"
	_ "unsafe" // for go:linkname

	_ "github.com/nats-io/nats-server/v2/server" // whose variables these are
)

// How long message servers wait for a leader, which no option of theirs sets: 4 to 9 seconds. A
// test of many faults would wait most of its time.
//
//go:linkname minElectionTimeout github.com/nats-io/nats-server/v2/server.minElectionTimeout
var minElectionTimeout time.Duration

//go:linkname maxElectionTimeout github.com/nats-io/nats-server/v2/server.maxElectionTimeout
var maxElectionTimeout time.Duration

//go:linkname hbInterval github.com/nats-io/nats-server/v2/server.hbInterval
var hbInterval time.Duration

// faster is by how much elections are faster than those of real servers, unless
// REFMON_ELECTIONS=real, as in `make soak`. What holds does not depend on it: it is only waited for.
const faster = 4

func init() {
	if os.Getenv("REFMON_ELECTIONS") == "real" {
		return
	}
	for _, d := range []*time.Duration{&minElectionTimeout, &maxElectionTimeout, &hbInterval} {
		*d /= faster
	}
}
