package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/vectors"
)

// ErrWine means that WriteVectors got a recording of Wine.
var ErrWine = errors.New("recorded under Wine: its answers are not evidence about Windows, so no vectors are written")

// WriteVectors writes the answered questions of a recording as vectors, one JSON object a line, with the machine as
// their source. It omits programs, whose recordings are for `refmon compare`, and skipped questions. For a recording of
// Wine it writes nothing and returns [ErrWine]. A failed write leaves an incomplete output.
func WriteVectors(w io.Writer, rec *Recording) error {
	s := rec.Header.System
	if s.Wine != "" {
		return ErrWine
	}
	about := map[string]string{}
	for v, err := range vectors.Access() {
		if err != nil {
			return err
		}
		var in struct{ ID string }
		if err := json.Unmarshal(v.In, &in); err != nil {
			return err
		}
		about[in.ID] = v.About
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	programs := map[string]bool{}
	for i := range rec.Lines {
		l := &rec.Lines[i]
		if l.Program != "" {
			programs[l.Case] = true
		}
		if l.Skipped != "" || programs[l.Case] {
			continue
		}
		run := fmt.Sprintf("refmon-record on %s build %d.%d %s, %s",
			s.Product, s.Build, s.Revision, s.Architecture, rec.Header.Date)
		v := vectors.Vector{About: about[l.Case],
			Provenance: vectors.Provenance{Kind: vectors.Recorded, Rules: l.Rules, Source: "a recording", Run: run}}
		if v.About == "" {
			v.About = fmt.Sprintf("What %s answers (%s).", l.Call, l.Case)
		}
		in, out := copied(l.In), copied(l.Out)
		out["status"] = l.Status
		delete(out, "function")
		if l.Call == AccessCheck {
			out["id"] = in["id"]
			if l.Out["function"] == "AuthzAccessCheck" {
				delete(in, "call")
			}
		} else {
			in["call"], in["id"], out["id"] = l.Call, l.Case, l.Case
		}
		var err error
		if v.In, err = json.Marshal(in); err == nil {
			if v.Out, err = json.Marshal(out); err == nil {
				err = e.Encode(v)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copied returns a shallow copy of f; empty, not nil, for nil.
func copied(f Fields) Fields {
	to := Fields{}
	for k, v := range f {
		to[k] = v
	}
	return to
}
