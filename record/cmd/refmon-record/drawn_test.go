package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// drawn returns a request as text: its arguments, separated by commas, in hexadecimal digits. A pointer is its target
// in angle brackets.
func drawn(r *request) string {
	var args []string
	for _, a := range r.Args {
		switch {
		case a.Buffer > 0:
			args = append(args, "<"+drawnBuffer(r, a.Buffer-1, 0)+">")
		default:
			args = append(args, fmt.Sprintf("%x", a.N))
		}
	}
	return strings.Join(args, ",")
}

func drawnBuffer(r *request, n, from int) (text string) {
	b := r.Buffers[n]
	for i := from; i < len(b); {
		to := -1
		for k, f := range r.Fixes {
			if f.Buffer == n && f.At == i {
				to = k
			}
		}
		if to < 0 {
			text += hex.EncodeToString(b[i : i+1])
			i++
			continue
		}
		text += "<" + drawnBuffer(r, r.Fixes[to].To, r.Fixes[to].Offset) + ">"
		i += 8
	}
	return text
}

// spelled returns the short form of a request, with spaces, and words for long values.
func spelled(text string) string {
	return strings.NewReplacer(" ", "", "SYSTEM", "010100000000000512000000", "WORLD", "010100000000000100000000",
		"DESCRIPTOR", hex.EncodeToString(aDescriptor.Binary()),
		"LIST", hex.EncodeToString([]byte(aDescriptor.DACL().Binary())),
		"OUT", "<cccccccccccccccc>", "BAD", "ffc0", "ZERO12", strings.Repeat("0", 24), "ZERO16", strings.Repeat("0", 32)).
		Replace(text)
}

// answering answers one call: it leaves bytes in the buffers that arguments point to.
func answering(t *testing.T, got **request, result uint64, left map[int]string) gate {
	return func(r *request) reply {
		*got = r
		p := reply{Return: result}
		for i, b := range r.Buffers {
			p.Buffers = append(p.Buffers, append([]byte(nil), b...))
			p.Bases = append(p.Bases, addressOf(i))
		}
		for i, text := range left {
			b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
			check.RequireThat(t, err == nil && i < len(r.Args) && r.Args[i].Buffer != 0,
				"%s: nothing can be left in argument %d: %v", r.Proc, i, err)
			n := copy(p.Buffers[r.Args[i].Buffer-1], b)
			check.RequireThat(t, n >= len(b),
				"%s: argument %d has room for %d bytes, not for %d, want at least %d", r.Proc, i, n, len(b), len(b))
		}
		return p
	}
}

// good is a parameter that could be read.
func good[T any](v T) nt.Captured[T] { return nt.Captured[T]{V: v} }

var (
	system = sid.LocalSystem
	world  = sid.Everyone
	two    = []nt.LUIDAndAttributes{{LUID: 0x1122334455667788, Attributes: 2}, {LUID: 9, Attributes: 0x80000001}}
	node1  = winnt.GUID{0: 0xA1, 15: 0xAF}
	node2  = winnt.GUID{0: 0xB1, 15: 0xBF}
)
