package access_test

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/vectors"
	"github.com/refmon/refmon/winnt"
)

// publishedCase is a line of vectors/access.jsonl. vectors/README.md describes the fields.
type publishedCase struct {
	in struct {
		ID, SD, SDHex, Desired, Mapping, SelfSID, Call string
		Token                                          json.RawMessage
		ObjectTypes                                    []struct {
			Level uint16
			GUID  string
		}
		ResultList bool
	}
	out struct {
		publishedResult
		PrivilegesUsed []string
		Results        []publishedResult
	}
}

type publishedResult struct{ Status, Granted string }

func resultOf(st ntstatus.Status, granted winnt.AccessMask) publishedResult {
	return publishedResult{st.String(), granted.Padded()}
}

// request returns the request of a case. The process has an unrelated token if the case's token is a client's.
func (c *publishedCase) request(t *testing.T) *access.Request {
	t.Helper()
	r := &access.Request{Type: winnt.FileObject, Desired: check.Must(sddl.ParseRights(c.in.Desired)),
		Subject: access.SubjectOf(check.Must(token.Parse(c.in.Token)))}
	if r.Subject.Client != nil {
		r.Subject.Primary = otherProcess(t)
	}
	if c.in.SDHex != "" {
		r.Descriptor = check.Must(sd.Decode(check.Must(hex.DecodeString(c.in.SDHex))))
	} else {
		r.Descriptor = mustSD(t, c.in.SD)
	}
	if c.in.Mapping != "" {
		r.Type = winnt.ObjectTypeByName(c.in.Mapping)
	}
	if c.in.SelfSID != "" {
		r.Self = sid.MustParse(c.in.SelfSID)
	}
	for _, o := range c.in.ObjectTypes {
		guid := check.Must(winnt.ParseGUID(o.GUID))
		r.ObjectTypes = append(r.ObjectTypes, access.ObjectTypeEntry{Level: o.Level, GUID: guid})
	}
	return r
}

// Every entry point returns the published decisions. Each line of the file names its rules, among them and
// A-58, and the source of its expected value.
func TestEntryPointsReturnPublishedDecisions(t *testing.T) {
	for v, err := range vectors.Access() {
		check.NoError(t, err)
		var c publishedCase
		check.NoError(t, json.Unmarshal(v.In, &c.in))
		check.NoError(t, json.Unmarshal(v.Out, &c.out))
		t.Run(c.in.ID, func(t *testing.T) {
			r := c.request(t)
			switch {
			case c.in.Call == "NtAccessCheck":
				c.checkCall(t, r)
			case c.in.Call != "": // SeAccessCheck, of a client that NtAccessCheck accepts
				d := check.Must(access.SeAccessCheck(r))
				check.Equal(t, resultOf(d.Status(), d.Granted), c.out.publishedResult, "%s: SeAccessCheck", v.About)
			case c.in.ResultList:
				nodes, _, err := access.CheckResultList(r)
				check.NoError(t, err)
				call, native, _ := access.NtAccessCheckResultList(r)
				check.Success(t, call)
				for face, list := range map[string][]access.NodeResult{"CheckResultList": nodes,
					"NtAccessCheckResultList": native} {
					var got []publishedResult
					for _, n := range list {
						got = append(got, resultOf(n.Status(), n.Granted))
					}
					check.SlicesEqual(t, got, c.out.Results, "%s: %s", v.About, face)
				}
			default:
				for face, d := range entryPoints(t, r) {
					check.Equal(t, resultOf(d.Status(), d.Granted), c.out.publishedResult, "%s: %s", v.About, face)
					check.SlicesEqual(t, d.PrivilegesUsed.Names(), c.out.PrivilegesUsed, "%s: %s: used privileges", v.About, face)
				}
			}
		})
	}
}

// checkCall compares the status of a system call, or of its decision if the call succeeds.
func (c *publishedCase) checkCall(t *testing.T, r *access.Request) {
	t.Helper()
	// A primary token reaches the call as the client's.
	r.Subject.Client = r.Subject.Effective()
	call, d := access.NtAccessCheck(r)
	if c.in.ResultList {
		call, _, d = access.NtAccessCheckResultList(r)
	}
	if call == ntstatus.Success {
		call = d.Status()
	}
	check.Equal(t, resultOf(call, d.Granted), c.out.publishedResult, "%s", c.in.ID)
}
