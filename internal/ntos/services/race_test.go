//go:build race

package services_test

// scale divides the number of rounds of a stress test, because the race detector makes each round slow.
const scale = 50
