package admin

// window is a writer that keeps one part of a long text: up to part of the bytes written to it, after skipping the
// first skip.
type window struct {
	skip int64
	kept []byte
	more bool // bytes after kept were written, too
}

// Write skips or keeps b, and sets more if a byte of b is neither. It always returns len(b) and a nil error.
func (w *window) Write(b []byte) (int, error) {
	skipped := min(w.skip, int64(len(b)))
	w.skip -= skipped
	rest := b[skipped:]
	n := min(len(rest), part-len(w.kept))
	w.kept = append(w.kept, rest[:n]...)
	// The size of the store does not tell whether more follows, because the store can grow between two reads.
	w.more = w.more || n < len(rest)
	return len(b), nil
}
