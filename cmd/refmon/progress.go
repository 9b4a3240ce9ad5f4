package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// bar is a progress bar on standard error, if that is a terminal. Owned by the goroutine that writes the output.
type bar struct {
	std   *streams
	size  int64 // bytes of the input, 0 if not known
	on    bool
	begun time.Time
	from  int64 // offset at the first call
	last  int   // objects at the last call
	shown bool
}

// newBar returns a progress bar for an input of size bytes; 0 is an unknown size. It prints nothing if quiet is set
// or standard error is not a terminal.
func newBar(std *streams, size int64, quiet bool) *bar {
	on := false
	switch w := std.err.(type) {
	case *os.File:
		on = !quiet && isTerminal(w)
	case *messageWriter: // writes to a terminal
		on = !quiet
	}
	return &bar{std: std, size: size, on: on, begun: time.Now(), from: -1}
}

// show prints the progress, the rate and, for a known size, the remaining time, over the line before. It prints nothing
// if the bar is off. Fewer objects than before start a new rate.
func (b *bar) show(p bulk.Position) {
	if !b.on {
		return
	}
	if b.from < 0 || p.Objects < b.last { // the first call, or the start of a second input
		b.from, b.begun = p.Offset, time.Now()
	}
	b.shown, b.last = true, p.Objects
	spent := time.Since(b.begun).Seconds()
	rate := float64(p.Objects) / max(spent, 0.001)
	text := fmt.Sprintf("%d objects, %.0f a second", p.Objects, rate)
	if b.size > 0 && p.Offset > 0 {
		const width = 24
		done := float64(p.Offset) / float64(b.size)
		full := min(int(done*width), width)
		left := "…"
		if read := p.Offset - b.from; read > 0 {
			left = time.Duration(float64(b.size-p.Offset) / (float64(read) / spent) * float64(time.Second)).Round(
				time.Second).String()
		}
		text = fmt.Sprintf("[%s%s] %3.0f %%  %s, %s left", strings.Repeat("=", full), strings.Repeat(" ", width-full),
			100*done, text, left)
	}
	if p.Unreadable > 0 {
		text += fmt.Sprintf(", %d unreadable", p.Unreadable)
	}
	fmt.Fprintf(b.std.err, "\r\x1b[K%s", text)
}

// clear removes the progress bar.
func (b *bar) clear() {
	if b.shown {
		b.shown = false
		fmt.Fprint(b.std.err, "\r\x1b[K")
	}
}

// over returns a writer to w that removes the bar before it writes, so that both can share a terminal.
func (b *bar) over(w io.Writer) io.Writer { return &barWriter{b, w} }

type barWriter struct {
	bar *bar
	to  io.Writer
}

// Write removes the bar from the terminal and writes p. The next progress shows the bar again.
func (w *barWriter) Write(p []byte) (int, error) {
	w.bar.clear()
	return w.to.Write(p)
}
