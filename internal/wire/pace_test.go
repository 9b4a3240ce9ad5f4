package wire

import (
	"testing"
	"testing/synctest"
)

// TestPace: the reader goes on while fewer threads have work than may, and else waits
// for one to have none (W-21).
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(2)
		p.wait()
		p.add(1)
		p.wait()
		p.add(1)
		passed := false
		go func() { p.wait(); passed = true }()
		synctest.Wait()
		if passed {
			t.Error("a third thread was given work")
		}
		p.add(-1)
		synctest.Wait()
		if !passed {
			t.Error("the reader still waits")
		}
		none := newPace(0)
		none.add(100)
		none.wait()
	})
}
