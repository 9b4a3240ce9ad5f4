//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
)

// pipeParameters accepts the dispositions 1 to 3, the types of bytes or messages (bit 0), for local or all clients
// (bit 1), and both completion modes. Only a pipe of messages can be read by messages.
func TestPipeParametersAreChecked(t *testing.T) {
	for disposition := range uint32(6) {
		for typ := range uint32(9) {
			for read := range uint32(4) {
				for completion := range uint32(4) {
					want := ntstatus.InvalidParameter
					if disposition >= 1 && disposition <= 3 && typ <= 3 && completion <= 1 &&
						(read == 0 || read == 1 && typ%2 == 1) {
						want = ntstatus.Success
					}
					if got := pipeParameters(disposition, typ, read, completion); got != want {
						t.Errorf("pipeParameters(disposition %d, type %d, read mode %d, completion mode %d) = "+
							"%v, want %v", disposition, typ, read, completion, got, want)
					}
				}
			}
		}
	}
}
