package dav

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// claimPatience is how long a request waits in total for others that change the same names.
const claimPatience = 30 * time.Second

// enter claims the names that the request changes, then tests its conditions and locks (G-38). Until the caller calls
// leave, no other request changes these names. The caller must call leave once, after the change. If the names are
// not free before the request's patience ends, the error is a 503 refusal. On an error nothing is claimed and leave is
// nil.
func (x *exchange) enter() (leave func(), err error) {
	list, start := x.neededClaims(), time.Now()
	leave = x.claims.take(x.ctx, x.patience, list...)
	x.patience -= time.Since(start)
	if leave == nil {
		return nil, errBusy
	}
	if err := x.check(); err != nil {
		leave()
		return nil, err
	}
	switch x.method {
	case "LOCK", "UNLOCK", "PROPPATCH": // they change no bytes of an existing file
	default:
		// Not before check: a request that is refused here must not interrupt a COPY (G-38).
		x.claims.beginChange(list)
	}
	return leave, nil
}

// errBusy refuses a request that needs a name which others change.
var errBusy = &busy{refusal{code: http.StatusServiceUnavailable, text: "others are changing this file: try again"}}

// busy is a refusal that asks the client to try again soon, by Retry-After.
type busy struct{ refusal }

// Answer writes the refusal with a Retry-After header of five seconds, after which the client may try again.
func (b *busy) Answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "5")
	b.refusal.Answer(w, r)
}

// neededClaims returns the names that a request must reserve against concurrent requests. The claims cover the changed
// resources, with descendants if those change, and their folders as shared claims. COPY does not claim its source.
func (x *exchange) neededClaims() []claim {
	list := []claim{{at: x.name}, {at: x.name.Parent(), shared: true}}
	switch x.method {
	case http.MethodDelete, "MOVE":
		list[0].deep = true
	case "LOCK":
		list[0].deep = x.infinite()
	case "COPY":
		// A held claim would let every reader of the source keep others from changing it (see recheck). But the source must
		// be free at the start, or two opposite COPYs would each wait for a name that the other has claimed.
		list = []claim{{at: x.name, deep: x.infinite(), shared: true, brief: true}}
	}
	if x.name == Root {
		list = slices.DeleteFunc(list, func(c claim) bool { return c.shared && !c.deep }) // the root is in no folder
	}
	if x.to != "" {
		list = append(list, claim{at: x.to, deep: true}, claim{at: x.to.Parent(), shared: true})
	}
	return list
}

// check tests the If header, the locks and the conditions of RFC 9110, in this order. check returns nil if all hold.
// A failed condition is 412, or the refusal that the request would get without conditions. A blocking lock is 423 or
// 207. Except for the early test of a PUT, the caller has claimed the names.
func (x *exchange) check() error {
	// "If this header is evaluated and all state lists fail, then the request MUST fail with a 412 (Precondition
	// Failed) status" (RFC 4918, 10.4.1; G-37).
	if x.conditions.lists != nil && !x.conditions.lists.hold(x.finder()) {
		return x.unless(preconditionFailed())
	}
	if err := x.blocked(); err != nil {
		return err
	}
	if !x.conditions.ofTarget() {
		return nil
	}
	v, err := x.validators(x.name)
	if err != nil {
		return err
	}
	// A condition that does not hold keeps the method from being performed (RFC 9110, 13.2.2; G-37).
	if !x.conditions.hold(v) {
		return x.unless(Refuse(http.StatusPreconditionFailed, "the file was changed or replaced"))
	}
	return nil
}

// recheck tests the conditions of a COPY again, after the data has been copied and before the copy gets its name.
// Others may have changed the source in between, because a COPY does not claim it (G-38). Without conditions recheck
// returns nil.
func (x *exchange) recheck() error {
	if !x.conditions.some() {
		return nil
	}
	return x.check()
}

// preconditionFailed returns the refusal of a request whose condition does not hold, with status 412.
func preconditionFailed() Refusal {
	return Refuse(http.StatusPreconditionFailed, "precondition failed")
}

// unless returns the refusal that a request would get without its conditions, else failed. unless changes nothing and
// finds only refusals before a change: "A server MUST ignore all received preconditions if its response to the same
// request without those conditions [...] would have been a status code other than a 2xx (Successful) or 412" (RFC
// 9110, 13.2.1; G-45).
func (x *exchange) unless(failed error) error {
	var err error
	switch x.method {
	case http.MethodDelete:
		// A MOVE takes the same right to the resource as a DELETE.
		err = x.files.Movable(x.name, x.name)
	case "UNLOCK":
		_, err = x.unlockable()
	case "PROPPATCH":
		err = x.files.Patch(x.name, nil)
	case "MKCOL":
		err = x.folderMakeable()
	case "LOCK":
		if _, missing := x.files.Stat(x.name); codeOf(missing) == http.StatusNotFound {
			err = x.creatable(x.name)
		}
	case "COPY", "MOVE":
		err = x.transferable()
	}
	// For a PUT err is nil here: Create has opened the file for writing, so no refusal is left to find.
	if err != nil {
		return err
	}
	return failed
}

// creatable returns nil if the user may create or replace the file, else the refusal. It starts an upload and
// discards it.
func (x *exchange) creatable(name Path) error {
	u, err := x.files.Create(name, Creation{Replace: true})
	if err != nil {
		return err
	}
	return u.Close()
}

// folderMakeable returns nil if the user may create a folder with the name of the request, else the refusal. A name
// that the user sees is refused with errExists.
func (x *exchange) folderMakeable() error {
	if _, err := x.files.Stat(x.name); err == nil {
		return errExists
	}
	return x.files.Makeable(x.name, true)
}

// makeable returns nil if the user may create the destination of a COPY or MOVE or replace an existing one. from
// describes the source. Otherwise makeable returns the refusal, which is 412 for an existing destination with
// Overwrite F. makeable changes nothing. Call it before the claims, because a user without these rights must not keep
// others waiting (G-38), and a lock on a hidden resource would show its name (G-12).
func (x *exchange) makeable(from Info) error {
	to, err := x.files.Stat(x.to)
	exists := err == nil
	switch {
	case !exists && codeOf(err) != http.StatusNotFound:
		return err
	case exists && !x.overwrites():
		return preconditionFailed()
	case exists && x.method == "COPY" && !from.Folder && !to.Folder:
		return x.creatable(x.to) // the copy replaces the contents of the file
	}
	if exists {
		if err := x.files.Movable(x.to, x.to); err != nil {
			return err
		}
	}
	return x.files.Makeable(x.to, from.Folder)
}

// transferable returns the refusal that a COPY or MOVE would get without conditions, or nil. transferable changes
// nothing, reads no file contents and does not test descendants. A missing source is an error.
func (x *exchange) transferable() error {
	from, err := x.files.Stat(x.name)
	if err == nil {
		err = x.makeable(from)
	}
	switch {
	case err != nil || x.method == "MOVE":
	case from.Folder && x.infinite():
		var list []Info
		list, _, err = x.files.List(x.name, 1)
		x.files.Forget(list)
	case !from.Folder:
		var src io.ReadCloser
		if src, err = x.files.Open(x.name); err == nil {
			_ = src.Close() // closing a file opened for reading loses no data
		}
	}
	return err
}

// blocked returns the refusal of a request that locks prevent, or nil:
//   - lock on a changed resource: 423
//   - locks on descendants: a 207 that lists the descendants, at most mostParts
//   - lock on a descendant that the client may not see: 423 without a name
func (x *exchange) blocked() error {
	var parts []part
	for _, c := range x.touches() {
		root, below := x.Locks.blocking(x.pass, c)
		if root != "" {
			return locked(root)
		}
		slices.Sort(below)
		for _, at := range below[:min(len(below), mostParts-len(parts))] {
			if _, err := x.files.Stat(at); err != nil {
				return locked("") // the client may not learn the name of the locked descendant (G-8)
			}
			parts = append(parts, part{at, locked(at)})
		}
	}
	if len(parts) == 0 {
		return nil
	}
	// "If an error occurs with a resource other than the resource identified in the Request-URI, then the response MUST
	// be a 207 (Multi-Status)" (RFC 4918, 9.8.3, 9.9.3; for DELETE 9.6.1; G-44). A 424 for the folder itself SHOULD NOT
	// be in it.
	return &multi{parts}
}

// locked returns a 423 refusal that names the root of the lock (RFC 4918, 11.3, 16). If root is "", it names none.
func locked(root Path) Refusal {
	if root == "" {
		return &refusal{code: http.StatusLocked, xml: "<D:lock-token-submitted/>"}
	}
	return &refusal{code: http.StatusLocked,
		xml: "<D:lock-token-submitted><D:href>" + text(root.Href(false)) + "</D:href></D:lock-token-submitted>"}
}

// touches returns the changes that the request makes, for the test of locks. UNLOCK, and LOCK of an existing
// resource, change nothing (nil). A request that creates or removes a resource also changes its folder's members. A
// resource that the user cannot see counts as missing. COPY changes only the destination, MOVE also the source.
func (x *exchange) touches() []touch {
	switch x.method {
	case "UNLOCK":
		return nil
	case "LOCK":
		// A lock of an existing resource conflicts with locks and changes nothing; one of an unmapped URL makes a
		// member of the folder (RFC 4918, 7.3, 7.4).
		if _, err := x.files.Stat(x.name); err == nil {
			return nil
		}
		return []touch{{at: x.name, member: true}}
	case http.MethodPut:
		_, err := x.files.Stat(x.name)
		return []touch{{at: x.name, member: err != nil}}
	case "MKCOL":
		return []touch{{at: x.name, member: true}}
	case http.MethodDelete:
		return []touch{{at: x.name, member: true, deep: true}}
	case "COPY":
		return []touch{{at: x.to, member: true, deep: true}}
	case "MOVE":
		return []touch{{at: x.name, member: true, deep: true}, {at: x.to, member: true, deep: true}}
	}
	return []touch{{at: x.name}}
}

// validators returns the state of a resource that conditions compare. A resource that is missing, or that the user
// may not see, has the zero value (G-8). err is any other failure of Stat.
func (x *exchange) validators(name Path) (v validators, err error) {
	i, err := x.files.Stat(name)
	switch {
	case codeOf(err) == http.StatusNotFound:
		return v, nil
	case err != nil:
		return v, err
	}
	return validators{exists: true, modified: i.Modified, tag: entityTag{opaque: i.Tag}}, nil
}

// finder returns a function for one test of the If header. It returns the state of the resource whose URL precedes a
// list. "" is the resource of the request (RFC 4918, 10.4.2). The state is nil for a URL that is malformed or on
// another server. The resource may be missing.
func (x *exchange) finder() func(tag string) resourceState {
	known := map[Path]*stateOf{}
	return func(tag string) resourceState {
		name := x.name
		if tag != "" {
			u, err := url.Parse(tag)
			if err != nil || elsewhere(u, x.r.Host) {
				return nil
			}
			if name, _, err = x.files.Parse(u); err != nil {
				return nil
			}
		}
		if known[name] == nil {
			known[name] = &stateOf{x: x, name: name}
		}
		return known[name]
	}
}

// stateOf answers the questions of an If header about one resource, as the request's user sees it. It looks the
// resource up once: a thousand lookups of a hidden name would take longer than those of a missing one (G-48). It
// implements resourceState.
type stateOf struct {
	x      *exchange
	name   Path
	looked bool
	tag    entityTag // "" as opaque: none, or not looked up
}

// hasToken reports whether an unexpired lock of the request's user with this token covers the resource. Another
// user's token names no lock (G-18).
func (s *stateOf) hasToken(token string) bool {
	_, ok := s.x.Locks.owned(s.x.pass.user, token, s.name)
	return ok
}

// hasTag reports whether the resource has this tag, by strong comparison. A resource that is missing, or that the
// user may not see, has none.
func (s *stateOf) hasTag(tag entityTag) bool {
	if !s.looked {
		v, _ := s.x.validators(s.name) // without a tag after an error
		s.tag, s.looked = v.tag, true
	}
	return tag.strongly(s.tag)
}

// elsewhere reports whether a URL is on another server than host. A URL without a scheme and host is on this one.
// http and https are equal, because a proxy may change the scheme. The default port of the URL's scheme is equal to no
// port. A URL with a user name is elsewhere.
func elsewhere(u *url.URL, host string) bool {
	switch {
	case u.User != nil:
		return true
	case u.Host == "":
		return u.Scheme != ""
	}
	return !strings.EqualFold(withoutPort(u.Host, u.Scheme), withoutPort(host, u.Scheme)) ||
		u.Scheme != "http" && u.Scheme != "https" && u.Scheme != ""
}

// withoutPort returns a host without the port, if it is empty or the default of the scheme (RFC 9110, 4.2.3). It keeps
// any other port.
func withoutPort(host, scheme string) string {
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":")
}
