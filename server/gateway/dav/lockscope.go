package dav

// passport decides which locks a request may pass: it has the request's user and the lock tokens that it submitted.
// "The lock token [must be] submitted by an authorized principal": another user's token has no effect (RFC 4918, 6.4;
// G-18).
type passport struct {
	user      string
	submitted map[string]bool
}

// passes reports whether a lock does not block the request, because its user owns the lock and it submitted the lock's
// token.
func (p passport) passes(l *Lock) bool { return l.User == p.user && p.submitted[l.Token] }

// touch is a change that a request makes to a resource and that a lock can prevent.
type touch struct {
	at     Path
	member bool // the request creates or removes the name; a lock on the folder of any depth prevents that (RFC 4918, 7.4)
	deep   bool // the request also removes or replaces the descendants (RFC 4918, 7.5)
}

// blocking returns the locks that prevent the change c by a request with passport p. root is the root of a lock on
// the resource, or on its folder for a change of members, and "" without one. below lists the locked descendants in
// no order, and is nil unless c.deep (G-39). Expired locks, and locks whose owner submitted the token, prevent
// nothing.
func (t *LockTable) blocking(p passport, c touch) (root Path, below []Path) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byToken) == 0 {
		return "", nil
	}
	if root = t.guardLocked(p, c.at); root == "" && c.member && c.at != Root {
		root = t.guardLocked(p, c.at.Parent())
	}
	if !c.deep {
		return root, nil
	}
	for at := range t.byRoot {
		if at != c.at && at.Under(c.at) && t.guardLocked(p, at) != "" {
			below = append(below, at)
		}
	}
	return root, below
}

// guardLocked returns the root of a lock on name that blocks a request with passport p. The result is "" if no
// unexpired lock covers name, or if the owner of a covering lock submitted its token. Of several shared locks one is
// enough (G-43).
// +checklocks:t.mu
func (t *LockTable) guardLocked(p passport, name Path) (root Path) {
	now := t.now()
	for at := name; ; at = at.Parent() {
		for _, l := range t.byRoot[at] {
			if now.After(l.Until) || !l.covers(name) {
				continue
			}
			if p.passes(l) {
				return ""
			}
			root = at
		}
		if at == Root {
			return root
		}
	}
}
