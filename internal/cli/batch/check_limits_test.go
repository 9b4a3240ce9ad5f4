package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
)

// One object type above MaxObjectTypes gets the status of the access check. A longer list is an error of the line. Up
// to MaxDefinitions tokens and maxDefineBytes bytes can be defined.
func TestBatchLineBeyondLimitIsRejected(t *testing.T) {
	types := func(n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"level":%d,"guid":"%08x-0000-0000-0000-000000000000"}`, min(i, 1), i)
		}
		return `{"id":1,` + rest + `,"objectTypes":[` + b.String() + "]}"
	}
	for n, want := range map[int]string{access.MaxObjectTypes: `"status":"STATUS_SUCCESS"`,
		access.MaxObjectTypes + 1: `"status":"STATUS_INVALID_PARAMETER"`,
		access.MaxObjectTypes + 2: fmt.Sprintf("objectTypes: more than %d entries", access.MaxObjectTypes)} {
		answers, _ := runLines(t, false, types(n))
		check.That(t, strings.Contains(answers[0], want), "%d object types: %.200s, want %s", n, answers[0], want)
	}
	answers, _ := runLines(t, false, types(access.MaxObjectTypes)+"\n"+types(access.MaxObjectTypes))
	check.That(t, strings.Contains(answers[1], `"status":"STATUS_SUCCESS"`), "a second list: %.200s, want success",
		answers[1])
	for over, want := range []string{`"status":"STATUS_SUCCESS"`, "the line is longer than 4194304 bytes"} {
		line := `{"id":1,` + rest + "}"
		answers, _ := runLines(t, false, line+strings.Repeat(" ", MaxLine+over-len(line)))
		check.That(t, strings.Contains(answers[0], want), "%d bytes: %.200s, want %s", MaxLine+over, answers[0], want)
	}
	const line = `{"id":1,"define":{"a":{"user":"BA"},"b":{"user":"BU"}}}`
	size := len(`a{"user":"BA"}b{"user":"BU"}`)
	for _, c := range []struct {
		tokens, bytes int
		want          string
	}{
		{0, 0, `"defined":["a","b"]`}, {MaxDefinitions - 2, 0, `"defined":["a","b"]`},
		{MaxDefinitions - 1, 0, "define: more than 65536 tokens defined"},
		{0, maxDefineBytes - size, `"defined":["a","b"]`},
		{0, maxDefineBytes - size + 1, "define: more than 64 MiB of token files"},
	} {
		defs := &definitions{tokens: make(map[string]*subject), bytes: c.bytes}
		for i := range c.tokens {
			defs.tokens[fmt.Sprint(i)] = nil
		}
		got, ok := (&checker{defs: defs}).answer(nil, []byte(line), 1)
		check.That(t, strings.Contains(string(got), c.want) && ok == strings.HasPrefix(c.want, `"`),
			"%d tokens, %d bytes: %s, want %s", c.tokens, c.bytes, got, c.want)
		tokens, bytes := c.tokens, c.bytes
		if ok {
			tokens, bytes = tokens+2, bytes+size
			got, ok = (&checker{defs: defs}).answer(nil, []byte(line), 2)
			check.That(t, ok, "the same names again: %s, want that they count once", got)
		}
		check.That(t, len(defs.tokens) == tokens && (!ok || defs.bytes == bytes), "%d tokens and %d bytes after, want %d "+
			"and %d: the definition counts only if it is accepted", len(defs.tokens), defs.bytes, tokens, bytes)
	}
}
