package audit_test

import (
	"io"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

var keep bool // results end here, so that calls are not optimized away

// openIfAudited records an open as a server does: it copies the request only if the open may be recorded.
func openIfAudited(log *audit.Log, r *access.Request, dec access.Decision) bool {
	if !log.Policy.Opens() {
		return false
	}
	return openAudited(log, *r, dec)
}

func openAudited(log *audit.Log, r access.Request, dec access.Decision) bool {
	h, _ := log.Opened(&audit.Opening{Object: audit.Object{Type: "Token", Handle: 4}, Request: &r, Decision: dec})
	return h.GenerateOnClose
}

// An open allocates nothing if auditing is off, or if the policy records opens and the SACL does not request this one.
func TestUnrecordedOpenAllocatesNothing(t *testing.T) {
	var off audit.Log
	var on audit.Log
	on.Policy.Store(mustPolicy(t,
		audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth}}))
	subject := access.Subject{Primary: tokenU(t)}
	r := access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(A;;GA;;;WD)S:(AU;SA;GA;;;SY)"), Subject: subject,
		Desired: 8, Type: winnt.TokenObject}
	dec := access.Grant(8)
	for name, f := range map[string]func(){
		"off: open":        func() { keep = openIfAudited(&off, &r, dec) },
		"off: close":       func() { off.Closed(audit.Origin{}, audit.Object{}, audit.HandleAudit{}) },
		"off: On":          func() { keep = off.Policy.On(audit.KernelObject, audit.Success) },
		"off: adjust":      func() { off.PrivilegesAdjusted(audit.Origin{}, subject.Primary, subject.Primary) },
		"on: no SACL says": func() { v := on.Policy.Load().Evaluate("Token", &r, dec, nil); keep = v.Success },
	} {
		check.Equal(t, testing.AllocsPerRun(100, f), 0, "%s: allocations", name)
	}
}

// BenchmarkOpenOff measures the cost that disabled auditing adds to an open.
func BenchmarkOpenOff(b *testing.B) {
	var log audit.Log
	r := access.Request{Subject: access.Subject{Primary: tokenU(b)}}
	b.ReportAllocs()
	for b.Loop() {
		keep = openIfAudited(&log, &r, access.Decision{})
	}
}

// BenchmarkEvaluate measures the SACL of a file with three audit entries that do not match.
func BenchmarkEvaluate(b *testing.B) {
	p := standardPolicy(b)
	r := access.Request{Descriptor: sddl.MustParse(
		"O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;SY)(AU;FA;FA;;;WD)(AU;SA;FA;;;BA)"), Subject: access.Subject{Primary: tokenU(b)},
		Desired: 1, Type: winnt.FileObject}
	b.ReportAllocs()
	for b.Loop() {
		v := p.Evaluate("File", &r, access.Grant(1), nil)
		keep = v.Success
	}
}

// BenchmarkOpened measures a recorded open of a file with reasons, up to the
// line.
func BenchmarkOpened(b *testing.B) {
	log := audit.Log{Sink: audit.NewLines(io.Discard), Names: people{}, Clock: clock}
	log.Policy.Store(standardPolicy(b))
	r := access.Request{Descriptor: sddl.MustParse(standardSD), Subject: access.Subject{Primary: tokenU(b)},
		Desired: 1, Type: winnt.FileObject}
	b.ReportAllocs()
	for b.Loop() {
		h, _ := log.Opened(&audit.Opening{Object: reportFile, Request: &r, Decision: access.Grant(1)})
		keep = h.GenerateOnClose
	}
}

// BenchmarkAppendJSON measures one line of event 4656.
func BenchmarkAppendJSON(b *testing.B) {
	e := everyEvent(b, origin(b))[1]
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}
