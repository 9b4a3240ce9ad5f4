package access_test

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// FuzzCheck decodes any bytes as a descriptor and compares random requests of a random token with the oracle. Nothing
// panics, and every entry point agrees with the oracle.
func FuzzCheck(f *testing.F) {
	for i, text := range []string{
		"O:BAG:SYD:(A;;FA;;;WD)",                                   // plain
		"O:BAG:SYD:NO_ACCESS_CONTROL",                              // NULL DACL
		"O:BAG:SYS:(ML;;NWNR;;;HI)(SP;;;;;S-1-17-1)",               // no DACL, SACL with label and policy
		"D:(XA;;FA;;;WD;(@User.x == 1))(XD;;FA;;;WD;(@User.x==2))", // conditions
		"O:OWG:SYD:(OA;;FA;01000000-0000-0000-0000-000000000000;;WD)(A;IO;FA;;;OW)(D;;FA;;;PS)",
		`O:BAD:(A;;FA;;;AC)S:(RA;;;;;WD;("r",TS,0x0,"a"))(FL;;0x1;;;WD;(@Resource.r=="a"))(TL;;RC;;;S-1-19-512-8192)`,
	} {
		d, err := sddl.Parse(text)
		check.NoError(f, err)
		f.Add(d.Binary(), uint64(i))
	}
	f.Add([]byte{1, 0, 4, 0x80}, uint64(0)) // a truncated header
	f.Fuzz(func(t *testing.T, b []byte, s uint64) {
		w := questions.World{Rand: rand.New(rand.NewPCG(s, 1))}
		client, primary := mustToken(t, w.Spec()), mustToken(t, w.Spec())
		d, err := sd.Decode(b)
		if err != nil {
			check.That(t, check.Err(access.CheckBytes(client, b, 1, questions.Types[0])) != nil,
				"CheckBytes accepted a descriptor that sd.Decode rejects: %x", b)
			return
		}
		if d.DACL().Len()+d.SACL().Len() > 100 {
			return // the oracle is slow
		}
		for range 4 {
			r := w.Request(d, client, primary)
			checkText(t, compareWithTwin(t, r, map[access.ReasonKind]int{}))
		}
	})
}
