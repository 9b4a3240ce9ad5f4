package dav

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// LongestLock is the longest time that a lock lasts without a refresh (G-19).
const LongestLock = time.Hour

// longestOwner is the longest owner element that a lock stores, in bytes. A longer one is dropped.
const longestOwner = 1024

// refreshes reports whether the request is a LOCK without a body, which refreshes a lock (RFC 4918, 9.10.2).
func (x *exchange) refreshes() bool { return x.method == "LOCK" && x.bodyless() }

// lock serves LOCK: it locks the resource, or without a body refreshes a lock. A missing resource is created as an
// empty file. If that fails and no program has created the file, the lock is removed. Responses:
//   - existing resource: 200 with the lock
//   - missing resource: 201 with the lock
//   - no folder, and a URL that ends in a slash: 405
//   - conflicting lock: a refusal with the conflicts
//   - limit on locks: 503
func (x *exchange) lock() error {
	if x.slash {
		if i, err := x.files.Stat(x.name); codeOf(err) == http.StatusNotFound || err == nil && !i.Folder {
			return errSlash
		}
	}
	deep := x.infinite() && !x.refreshes() // a refresh ignores Depth (RFC 4918, 9.10.2)
	if err := x.files.Lockable(x.name, deep); err != nil {
		return err
	}
	if x.refreshes() {
		return x.refresh()
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	l, err := readLockInfo(body)
	if err != nil {
		return err
	}
	l.User, l.Root, l.Deep = x.pass.user, x.name, deep
	leave, err := x.enter()
	if err != nil {
		return err
	}
	defer leave()
	_, err = x.files.Stat(x.name)
	missing := codeOf(err) == http.StatusNotFound
	if err != nil && !missing {
		return err
	}
	made, conflicts, err := x.Locks.Add(l, x.timeout())
	switch {
	case errors.Is(err, errConflict):
		return x.conflicting(conflicts)
	case err != nil:
		return &busy{refusal{code: http.StatusServiceUnavailable, text: "the limit on locks is reached"}}
	}
	if missing {
		// "A successful lock request to an unmapped URL MUST result in the creation of a locked (non-collection) resource
		// with empty content" (RFC 4918, 7.3; G-46).
		if err := x.makeEmpty(); err != nil {
			// A program on the host may have just created the file. LOCK then locks this file and keeps its contents.
			if _, gone := x.files.Stat(x.name); gone != nil || x.files.Lockable(x.name, deep) != nil {
				x.Locks.remove(made.Token)
				return err
			}
			missing = false
		}
	}
	x.w.Header().Set("Lock-Token", "<"+made.Token+">")
	code := http.StatusOK
	if missing {
		code = http.StatusCreated
	}
	x.answerLock(code, made)
	return nil
}

// readLockInfo parses the body of a LOCK that creates a lock (RFC 4918, 14.11). readLockInfo sets only Shared and
// Owner. An owner above longestOwner bytes becomes "". A body that is not a lockinfo is errXML. A scope or type that
// is missing or invalid, or a scope both exclusive and shared, is a 422 refusal.
func readLockInfo(body []byte) (l Lock, err error) {
	info, err := parseXML(body)
	if err != nil {
		return l, err
	}
	// A well-formed body that is not a valid lockinfo is 422 (RFC 4918, 11.2).
	unclear := Refuse(http.StatusUnprocessableEntity, "lockinfo needs lockscope exclusive or shared, and locktype write")
	scope, kind := info.child("lockscope"), info.child("locktype")
	if info.name != (Name{Space: davSpace, Local: "lockinfo"}) {
		return l, errXML
	}
	if scope == nil || kind == nil || kind.child("write") == nil {
		return l, unclear
	}
	l.Shared = scope.child("shared") != nil
	if l.Shared == (scope.child("exclusive") != nil) {
		return l, unclear
	}
	if owner := info.child("owner"); owner != nil {
		// Other clients see this text. Store it as the client wrote it (RFC 4918, 14.17), but drop a text that is too
		// long.
		if l.Owner = strings.TrimSpace(owner.inner()); len(l.Owner) > longestOwner {
			l.Owner = ""
		}
	}
	return l, nil
}

// makeEmpty creates an empty file with the name of the request. It returns an error if the name exists or the client
// may not create it.
func (x *exchange) makeEmpty() error {
	u, err := x.files.Create(x.name, Creation{New: true})
	if err != nil {
		return err
	}
	defer func() { _ = u.Close() }()
	_, _, err = u.Commit()
	return err
}

// conflicting returns the refusal of a LOCK that existing locks exclude. conflicting sorts conflicts, which must have
// at least one lock. The refusal is:
//   - a conflict covers the request's resource: 423
//   - the client may not see a locked descendant: 423 without names (G-8)
//   - other conflicts: a 207 that lists the locked descendants, at most mostParts
func (x *exchange) conflicting(conflicts []Lock) error {
	slices.SortFunc(conflicts, func(a, b Lock) int { return strings.Compare(string(a.Root), string(b.Root)) })
	var parts []part
	for _, l := range conflicts[:min(len(conflicts), mostParts)] {
		f := &refusal{code: http.StatusLocked, xml: "<D:no-conflicting-lock><D:href>" + text(l.Root.Href(false)) +
			"</D:href></D:no-conflicting-lock>"}
		if x.name.Under(l.Root) {
			return f
		}
		if _, err := x.files.Stat(l.Root); err != nil {
			return &refusal{code: http.StatusLocked, xml: "<D:no-conflicting-lock/>"} // l.Root is hidden (G-8)
		}
		parts = append(parts, part{l.Root, f})
	}
	// "If the lock cannot be granted to all resources, the server MUST return a Multi-Status response with a 'response'
	// element for at least one resource that prevented the lock from being granted [and] SHOULD include a 'response'
	// element for the Request-URI as well, with a 'status' element containing 424 Failed Dependency" (RFC 4918, 9.10.3).
	return &multi{append(parts, part{x.name, Refuse(http.StatusFailedDependency, "")})}
}

// refresh serves LOCK without a body: it extends one of the user's locks and responds with the lock.
//   - the If header has not exactly one token: 400 (RFC 4918, 9.10.2)
//   - the If header does not hold, or the token is of no lock of the user on the resource: 412
func (x *exchange) refresh() error {
	tokens := x.pass.submitted
	delete(tokens, "DAV:no-lock") // no lock has this token (RFC 4918, 10.4.8)
	if len(tokens) != 1 {
		return Refuse(http.StatusBadRequest, "a LOCK without a body refreshes one lock: name its token in the If header")
	}
	if !x.conditions.lists.hold(x.finder()) {
		return noMatch(http.StatusPreconditionFailed)
	}
	for token := range tokens {
		// "412 (Precondition Failed), with 'lock-token-matches-request-uri' precondition code": the token is not that of a
		// lock of the user on the resource (RFC 4918, 9.10.6; G-18).
		if _, ok := x.Locks.owned(x.pass.user, token, x.name); !ok {
			return noMatch(http.StatusPreconditionFailed)
		}
		l, ok := x.Locks.refresh(token, x.timeout())
		if !ok {
			return noMatch(http.StatusPreconditionFailed)
		}
		x.answerLock(http.StatusOK, l)
	}
	return nil
}

// noMatch returns a refusal with this status for a token that belongs to no lock on the resource.
func noMatch(code int) error { return &refusal{code: code, xml: "<D:lock-token-matches-request-uri/>"} }

// unlock serves UNLOCK: it removes the lock of the Lock-Token header and responds with 204. Only the owner may remove
// a lock. Refusals:
//   - missing or malformed header: 400
//   - the token matches no lock of the resource: 409
//   - lock of another user: 403
//   - the name cannot be claimed: the error of enter
func (x *exchange) unlock() error {
	header := x.r.Header["Lock-Token"]
	if len(header) != 1 || len(header[0]) < 3 || header[0][0] != '<' || header[0][len(header[0])-1] != '>' {
		// "400 (Bad Request) - No lock token was provided" (RFC 4918, 9.11.1).
		return Refuse(http.StatusBadRequest, "Lock-Token must be the token of a lock in angle brackets")
	}
	// A user who cannot remove the lock must not keep others waiting for the name (G-38).
	if _, err := x.unlockable(); err != nil {
		return err
	}
	leave, err := x.enter()
	if err != nil {
		return err
	}
	defer leave()
	l, err := x.unlockable()
	if err != nil {
		return err
	}
	x.Locks.remove(l.Token)
	return x.respond(http.StatusNoContent)
}

// unlockable returns the lock that an UNLOCK would remove, without removing it. The Lock-Token header must be
// well-formed, or it can panic. The error is the 409 or 403 refusal. A lock that does not cover the name is 409 as
// well.
func (x *exchange) unlockable() (Lock, error) {
	header := x.r.Header.Get("Lock-Token")
	l, ok := x.Locks.find(header[1 : len(header)-1])
	switch {
	// "409 (Conflict), with 'lock-token-matches-request-uri' precondition - The resource was not locked, or the request
	// was made to a Request-URI that was not within the scope of the lock" (RFC 4918, 9.11.1).
	case !ok || !l.covers(x.name):
		return Lock{}, noMatch(http.StatusConflict)
	// "403 (Forbidden) - The currently authenticated principal does not have permission to remove the lock" (G-18).
	case l.User != x.pass.user:
		return Lock{}, Refuse(http.StatusForbidden, "the lock is another user's")
	}
	return l, nil
}

// timeout returns the time until the new or refreshed lock expires: the first Second-N value of the Timeout header,
// at most LongestLock. It returns LongestLock if there is none or its number is malformed. Second-0 is valid and
// returns 0.
func (x *exchange) timeout() time.Duration {
	for part := range strings.SplitSeq(x.r.Header.Get("Timeout"), ",") {
		if seconds, ok := strings.CutPrefix(strings.TrimSpace(part), "Second-"); ok {
			if n, err := strconv.ParseUint(seconds, 10, 32); err == nil {
				return min(time.Duration(n)*time.Second, LongestLock)
			}
			break
		}
	}
	return LongestLock
}

// answerLock writes a response with this status and the lock as a lockdiscovery property (RFC 4918, 9.10.1).
func (x *exchange) answerLock(code int, l Lock) {
	b := append([]byte(nil), xmlHeader+`<D:prop xmlns:D="DAV:"><D:lockdiscovery>`...)
	b = x.appendLock(b, &l, x.now())
	answerXML(x.w, code, string(b)+"</D:lockdiscovery></D:prop>\n")
}

// appendLock appends the activelock element of l to b. The remaining time at now is rounded up to seconds and never
// negative. Only the lock's owner sees the token (G-18).
func (x *exchange) appendLock(b []byte, l *Lock, now time.Time) []byte {
	scope, depth := "exclusive", "0"
	if l.Shared {
		scope = "shared"
	}
	if l.Deep {
		depth = "infinity"
	}
	b = append(b, "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:"+scope+"/></D:lockscope><D:depth>"+
		depth+"</D:depth><D:owner>"+l.Owner+"</D:owner><D:timeout>Second-"...)
	b = strconv.AppendInt(b, max(0, int64((l.Until.Sub(now)+time.Second-1)/time.Second)), 10)
	b = append(b, "</D:timeout>"...)
	if l.User == x.pass.user {
		b = append(b, "<D:locktoken><D:href>"+text(l.Token)+"</D:href></D:locktoken>"...)
	}
	return append(b, "<D:lockroot><D:href>"+text(l.Root.Href(false))+"</D:href></D:lockroot></D:activelock>"...)
}
