package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Namespaces of properties.
const (
	davSpace    = "DAV:"
	rightsSpace = "https://github.com/refmon/refmon/ns/rights"
)

// teller tells the properties of one file.
type teller struct {
	q     *request
	at    place
	f     facts
	locks []activeLock
}

// liveProperty is one that the gateway makes.
type liveProperty struct {
	name     string
	common   bool // part of allprop; the others are told to who names them (RFC 3744, 5)
	fileOnly bool
	value    func(*teller) (value string, code int)
}

// live are the properties in the order in which they are told. It is filled in by init, as
// some of them refer to it.
var live []liveProperty

func init() {
	live = append([]liveProperty{
		{"resourcetype", true, false, func(t *teller) (string, int) {
			if t.f.dir {
				return "<D:collection/>", http.StatusOK
			}
			return "", http.StatusOK
		}},
		{"displayname", true, false, func(t *teller) (string, int) { return text(t.f.name), http.StatusOK }},
		{"getcontentlength", true, true, func(t *teller) (string, int) {
			return strconv.FormatInt(t.f.size, 10), http.StatusOK
		}},
		{"getcontenttype", true, true, func(t *teller) (string, int) { return text(contentType(t.f.name)), http.StatusOK }},
		{"getetag", true, true, func(t *teller) (string, int) { return text(t.f.etag()), http.StatusOK }},
		{"getlastmodified", true, false, func(t *teller) (string, int) {
			return when(t.f.written).Format(http.TimeFormat), http.StatusOK
		}},
		{"creationdate", true, false, func(t *teller) (string, int) {
			return when(t.f.created).Format(time.RFC3339), http.StatusOK
		}},
		{"supportedlock", true, false, func(*teller) (string, int) {
			return "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>",
				http.StatusOK
		}},
		{"lockdiscovery", true, false, (*teller).lockdiscovery},
		{"quota-available-bytes", false, false, func(t *teller) (string, int) { return t.quota(true) }},
		{"quota-used-bytes", false, false, func(t *teller) (string, int) { return t.quota(false) }},
	}, accessProperties...)
}

// text returns text as XML has it.
func text(s string) string {
	var b strings.Builder
	escape(&b, s)
	return b.String()
}

// value returns a property, or the status of one that cannot be told.
func (t *teller) value(name xml.Name) (string, int) {
	if name.Space != davSpace {
		return "", http.StatusNotFound
	}
	for _, l := range live {
		if l.name == name.Local {
			if l.fileOnly && t.f.dir {
				return "", http.StatusNotFound
			}
			return l.value(t)
		}
	}
	return "", http.StatusNotFound
}

func (t *teller) lockdiscovery() (string, int) {
	var b strings.Builder
	for _, l := range t.locks {
		left := max(0, int64(l.until.Sub(t.q.g.cfg.Now())/time.Second))
		fmt.Fprintf(&b, "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>"+
			"<D:depth>%s</D:depth><D:owner>%s</D:owner><D:timeout>Second-%d</D:timeout>", l.depth, text(l.owns), left)
		if l.owner == t.q.s.user { // a token is for who made the lock
			fmt.Fprintf(&b, "<D:locktoken><D:href>%s</D:href></D:locktoken>", text(l.token))
		}
		fmt.Fprintf(&b, "<D:lockroot><D:href>%s</D:href></D:lockroot></D:activelock>", text(l.root))
	}
	return b.String(), http.StatusOK
}

// quota tells the space of what the tree is on (RFC 4331).
func (t *teller) quota(free bool) (string, int) {
	h, st := t.q.open(t.at, winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return "", http.StatusNotFound
	}
	defer t.q.s.p.release(h)
	var full nt.FsFullSizeInformation
	st = t.q.s.p.do(t.q.ctx, func(th *nt.Thread) ntstatus.Status {
		v, st := th.NtQueryVolumeInformationFile(h, nt.FileFsFullSizeInformation)
		full, _ = v.(nt.FsFullSizeInformation)
		return st
	})
	if st != ntstatus.Success {
		return "", http.StatusNotFound
	}
	unit := int64(full.SectorsPerAllocationUnit) * int64(full.BytesPerSector)
	n := full.CallerAvailableAllocationUnits
	if !free {
		n = full.TotalAllocationUnits - full.ActualAvailableAllocationUnits
	}
	return strconv.FormatInt(n*unit, 10), http.StatusOK
}
