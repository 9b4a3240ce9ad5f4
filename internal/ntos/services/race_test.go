//go:build race

package services_test

// scale divides the rounds of a stress run where the race detector makes each
// of them slow.
const scale = 50
