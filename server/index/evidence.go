package index

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Evidence is an answer with the data that decided it. Without a class, only Answer is set.
type Evidence struct {
	Answer Answer `json:"answer"`

	Right      string     `json:"right,omitempty"`
	Descriptor string     `json:"descriptor,omitempty"` // deciding part of the document's descriptor, SDDL
	Share      string     `json:"share,omitempty"`      // deciding part of the share's descriptor, SDDL
	Expression [][]string `json:"expression,omitempty"` // see [ClassEvent]
	Directory  string     `json:"directory,omitempty"`  // version that decided the class
	// Refused is what refused the right; nil if the answer is yes or unknown, or if the token is not known.
	Refused *Refusal `json:"refused,omitempty"`
}

// Refusal is the first check that refused a right.
type Refusal struct {
	By     string `json:"by"`               // whose descriptor refused: "share", "folder" or "document"
	SDDL   string `json:"sddl"`             // the deciding part of this descriptor
	Reason string `json:"reason"`           // such as "AceDeny DACL 0", see [access.Reason]
	Entry  string `json:"entry,omitempty"`  // the entry, SDDL; "" if no entry refused
	Rights string `json:"rights,omitempty"` // the rights that the entry refused
}

// String returns an English sentence that names the denying entry, numbered from 1, its descriptor, the denied rights
// and the account. SIDs that every computer has get their names. If no entry refused, or Entry or Rights cannot be
// parsed, the sentence has the known parts only. A text that cannot be parsed is copied unchanged.
func (r *Refusal) String() string {
	of := "the " + r.By
	if r.By == "folder" {
		of = "a folder above the document"
	}
	rights := r.Rights
	if m, err := sddl.ParseRights(r.Rights); err == nil {
		// Several words share these rights, and a label that forbids reading leaves them.
		rights = words.Names(m, m|winnt.READ_CONTROL|winnt.SYNCHRONIZE, winnt.FileObject)
	}
	kind, place, _ := strings.Cut(r.Reason, " ")
	list, number, _ := strings.Cut(place, " ")
	at, err := strconv.Atoi(number)
	switch {
	case err == nil && list != "" && r.Entry != "":
		does := "does not grant"
		if kind == access.AceDeny.String() {
			does = "denies"
		}
		return fmt.Sprintf("%s: entry %d of its %s %s %s%s", of, at+1, list, does, rights, r.account())
	case kind == access.NoAce.String():
		return of + ": no entry of its DACL grants " + rights
	case kind == access.EmptyDacl.String():
		return of + ": its DACL is empty, which grants nothing"
	case rights == "":
		return of + ": " + r.Reason
	}
	return of + ": " + r.Reason + " (" + rights + ")"
}

// account returns " to NAME (SID)" for the account of Entry, " to SID" if the SID has no name, or "" if Entry cannot be
// parsed. More than one entry cannot be parsed, either.
func (r *Refusal) account() string {
	d, err := sddl.Parse("D:" + r.Entry)
	if err != nil || d.DACL().Len() != 1 {
		return ""
	}
	s := d.DACL().At(0).SID()
	if name := sid.Name(s); name != "" {
		return " to " + name + " (" + s.String() + ")"
	}
	return " to " + s.String()
}

// Evidence answers a query about one document, as [Index.CanReadAll] does, and adds the deciding data. It never fails:
// for an unknown document or right, or stale data, only Answer is set, with the reason. Refused is set if the right
// was refused to a token, or to a person in the index of a run, which has the person's groups (N-97).
func (x *Index) Evidence(path string, q Query) Evidence {
	out := Evidence{Answer: x.CanReadAll(nil, []string{path}, q)[0]}
	x.mu.Lock()
	defer x.mu.Unlock()
	k := x.state.classes[out.Answer.Class]
	if k == nil {
		return out
	}
	out.Right, out.Descriptor, out.Directory = k.Right, text(k.Descriptor), k.event.Version
	out.Expression = k.event.Expression
	if k.Share != nil {
		out.Share = text(k.Share)
	}
	if out.Answer.Allowed || out.Answer.Because != "" {
		return out
	}
	switch p, err := x.asked(q); {
	case err != nil: // without a token there is no refusal to report
	case p.Withheld&k.Mask != 0:
		out.Refused = &Refusal{By: "share", Reason: "its configuration withholds the right",
			Rights: sddl.FormatRights(p.Withheld & k.Mask)}
	default:
		out.Refused = k.refusal(p.Token)
	}
	return out
}

// asked returns the principal that a query is about. That is the query's token, or a person of the run's directory with
// the share's configuration applied. The token is not checked against the directory. For a person in an index that is
// read from its folder, the error is errNobody.
// +checklocks:x.mu
func (x *Index) asked(q Query) (*directory.Principal, error) {
	switch {
	case q.Token != nil:
		return &directory.Principal{Token: q.Token}, nil
	case x.run == nil:
		return nil, errNobody
	}
	return x.principal(x.run.effective, q.Who)
}

// text formats a descriptor for people as SDDL. If that fails, it returns the error's text.
func text(d *sd.Descriptor) string {
	out, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return out
}

// refusal explains why a token lacks a class's right: it returns the first check that refuses, of the share's, those of
// the folders and the document's. It returns nil if none does. A token with SeChangeNotifyPrivilege passes folders that
// let its holders pass.
func (c *Class) refusal(t *token.Token) *Refusal {
	if c.Share != nil {
		if r := refused("share", t, c.Share, c.Mask, c.Type); r != nil {
			return r
		}
	}
	for i := range c.Through {
		p := &c.Through[i]
		if p.Holders && t.Has(winnt.SeChangeNotifyPrivilege) {
			continue
		}
		if r := refused("folder", t, p.Descriptor, p.Mask, p.Type); r != nil {
			return r
		}
	}
	return refused("document", t, c.Descriptor, c.Mask, c.Type)
}

// refused explains why descriptor d denies a token the rights in mask. by names the descriptor in the result. Of
// several reasons, the result has the first, with all rights that it denies. refused returns nil if d grants the
// rights, or if the check fails. A nil d could not be read, and denies.
func refused(by string, t *token.Token, d *sd.Descriptor, mask winnt.AccessMask, typ *winnt.ObjectType) *Refusal {
	if d == nil {
		return &Refusal{By: by, Reason: "its descriptor could not be read"}
	}
	dec, x, err := access.Explain(&access.Request{Descriptor: d, Subject: access.SubjectOf(t), Type: typ, Desired: mask})
	if err != nil || dec.Allowed() {
		return nil
	}
	out := &Refusal{By: by, SDDL: text(d)}
	var bits winnt.AccessMask
	for _, b := range x.Reasons {
		// A check that ends early never refused the rights that it did not reach.
		if b.Granted || x.Skipped(b) {
			continue
		}
		if out.Reason == "" {
			out.Reason, out.Entry = b.Reason.String(), entry(d, b.Reason)
		}
		if b.Reason.String() == out.Reason {
			bits |= b.Bit
		}
	}
	out.Rights = sddl.FormatRights(bits)
	return out
}

// entry returns the access control entry that a reason of an access check names, as SDDL. It returns "" if the reason
// names none or the list does not have it, and the error's text if SDDL cannot express the entry.
func entry(d *sd.Descriptor, r access.Reason) string {
	list := d.DACL()
	if r.List == "SACL" {
		list = d.SACL()
	}
	if r.List == "" || r.Index < 0 || list == nil || r.Index >= list.Len() {
		return ""
	}
	out, err := sddl.FormatACE(list.At(r.Index), sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return out
}

// defaultLimit is the greatest age of a heartbeat for the index of a run.
const defaultLimit = 10 * time.Second
