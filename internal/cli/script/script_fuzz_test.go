package script

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// chains are programs for which the compiler calls itself once for every few bytes.
var chains = []string{"()", ".b", "+1", "[0]", " if 1 else 1", " and 1"}

// TestOverlongSourceIsRejected checks that a program that would overflow the compiler's stack is rejected, and that the
// longest accepted one runs to its end.
func TestOverlongSourceIsRejected(t *testing.T) {
	for _, c := range chains {
		r := New(Config{})
		if err := r.Run("x", []byte("x = 1"+strings.Repeat(c, MaxSource))); err == nil ||
			!strings.Contains(err.Error(), "longer than") {
			t.Errorf(`source of more than the maximum length %q: %v, want "longer than"`, c, err)
		}
		_ = r.Run("x", []byte("x = 1"+strings.Repeat(c, (64<<10)/len(c))))
		err := errors.Join(r.Run("x", bytes.Repeat([]byte("#"), MaxSource)), r.Close())
		check.That(t, err == nil, "longest source %q: %v, want no error", c, err)
	}
}

// FuzzSource checks that no program panics or hangs, and that its memory and transcript are bounded.
func FuzzSource(f *testing.F) {
	f.Add([]byte("th = process(\"p\", token(user=\"SY\")).thread\nr = " +
		"th.NtOpenThreadToken(ThreadHandle=NtCurrentThread(), " +
		"DesiredAccess=TOKEN_QUERY, OpenAsSelf=False)\nexpect(r.status, STATUS_NO_TOKEN)\n"))
	f.Add([]byte("def f(n):\n    for i in range(n):\n        print(i)\nf(10)\n"))
	f.Add([]byte("x = [1]\nfor i in range(9):\n    x = x + x\n"))
	f.Add([]byte("k = system()\nclose_all()\ncounts()\n"))
	f.Add([]byte("token(user={\"sid\":\"SY\"}, groups=[None])"))
	for _, c := range chains {
		f.Add([]byte("x = 1" + strings.Repeat(c, 100)))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		var out bytes.Buffer
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		r := New(Config{Output: &out})
		err := r.Run("x", source)
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapInuse) - int64(before.HeapInuse); held > 2*maxHeap ||
			time.Since(start) > time.Minute {
			t.Errorf("program used %d bytes of heap in %v, want less than twice the limit and a minute",
				held, time.Since(start))
		}
		check.That(t, err == nil || errors.Is(err, ErrExpectation) || err.Error() != "",
			"the error has no text, want one")
		_ = r.Close() // a program may leak
	})
}
