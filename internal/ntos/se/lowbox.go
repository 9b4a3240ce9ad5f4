package se

import (
	"math"
	"sync"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// LowBoxes assigns the numbers of AppContainers. Each package has one number per terminal-services session while one
// of its tokens exists (T-69). The zero value is empty.
type LowBoxes struct {
	mu sync.Mutex
	// +checklocks:mu
	live map[boxKey]*box // guarded by mu
	// +checklocks:mu
	last uint32 // guarded by mu: number given out last
}

// boxKey identifies an AppContainer: a terminal-services session and a package.
type boxKey struct {
	session uint32
	pkg     sid.SID
}

// box is an AppContainer with a number and the count of its holds. LowBoxes.mu guards holds; the other fields are
// immutable.
type box struct {
	key    boxKey
	number uint32
	holds  int // tokens of the AppContainer, and services about to make one
}

// Box is a hold on an AppContainer's number, which keeps the number in use. A token of the AppContainer has one.
type Box struct {
	l *LowBoxes
	b *box
}

// Hold returns the AppContainer of a package in a session and keeps its number until [Box.Release]. An AppContainer
// that nothing holds yet gets a number that was never used before (T-69).
func (l *LowBoxes) Hold(session uint32, pkg sid.SID) Box { return l.hold(session, pkg, 0) }

// hold returns a hold on the AppContainer of a package, as Hold does. If the AppContainer has no number yet, it gets
// number, or the next free one if that is 0. An existing AppContainer keeps its number. Each call needs a Release.
func (l *LowBoxes) hold(session uint32, pkg sid.SID, number uint32) Box {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := boxKey{session, pkg}
	b := l.live[k]
	if b == nil {
		switch {
		case number == 0:
			l.last++
			number = l.last
		case number <= math.MaxInt32: // after a given number above it the next ones would soon run out
			l.last = max(l.last, number)
		}
		b = &box{key: boxKey{session, pkg.Clone()}, number: number}
		if l.live == nil {
			l.live = map[boxKey]*box{}
		}
		l.live[b.key] = b
	}
	b.holds++
	return Box{l, b}
}

// Number returns the AppContainer's number, never 0.
func (x Box) Number() uint32 { return x.b.number }

// Release ends the hold. The last release frees the AppContainer's number. Call it exactly once for each hold.
func (x Box) Release() {
	x.l.mu.Lock()
	defer x.l.mu.Unlock()
	if x.b.holds--; x.b.holds == 0 {
		delete(x.l.live, x.b.key)
	}
}

// holdBox makes a new token object hold its AppContainer's number. It returns nil for a token without an
// AppContainer.
func (s *State) holdBox(v *token.Token) *Box {
	if v.LowBoxNumber() == 0 {
		return nil
	}
	x := s.Boxes.hold(v.SessionID(), v.Package(), v.LowBoxNumber())
	return &x
}
