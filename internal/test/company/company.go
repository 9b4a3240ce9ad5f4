// Package company generates a company for tests: a directory of users and groups,
// and objects with descriptors as file servers have them. A [Sample] says how
// large it is; the same values give the same bytes.
//
//	s := company.Sample{Seed: 1, Objects: 1000, Descriptors: 100, Principals: 50, Groups: 10}
//	err := s.Directory(file)
package company

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
)

// Sample says how large a generated company is. The same values give the same
// bytes.
type Sample struct {
	Seed        uint64
	Objects     int
	Descriptors int // distinct ones, at most Objects
	Principals  int
	Groups      int
}

// Domain is the SID of the domain of every sample.
const Domain = "S-1-5-21-1004336348-1177238915-682003330"

// Directory writes the directory file of a sample, as JSON: each user is in
// some twenty groups, each group in up to two others.
func (s *Sample) Directory(out io.Writer) error {
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	w := bufio.NewWriterSize(out, 1<<16)
	fmt.Fprintf(w, "{\"domain\":%q,\n\"groups\":[", Domain)
	for i := range s.Groups {
		fmt.Fprintf(w, "%s\n{\"name\":\"group%d\",\"sid\":\"%s-%d\",\"memberOf\":[", comma(i), i, Domain, 20000+i)
		for j := range rng.IntN(3) {
			fmt.Fprintf(w, "%s\"group%d\"", comma(j), rng.IntN(s.Groups))
		}
		fmt.Fprint(w, "]}")
	}
	fmt.Fprint(w, "],\n\"users\":[")
	for i := range s.Principals {
		fmt.Fprintf(w, "%s\n{\"name\":\"user%d\",\"sid\":\"%s-%d\",\"memberOf\":[", comma(i), i, Domain, 100000+i)
		for j := range 10 + rng.IntN(20) {
			fmt.Fprintf(w, "%s\"group%d\"", comma(j), rng.IntN(s.Groups))
		}
		fmt.Fprint(w, "]}")
	}
	fmt.Fprint(w, "]}\n")
	return w.Flush()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// Write writes the objects of a sample as JSON lines. The descriptors are like those of file servers: three to nine
// entries for groups and users. One in eight starts with a deny entry. The first descriptors are used by many
// objects.
func (s *Sample) Write(out io.Writer) error {
	rng := rand.New(rand.NewPCG(s.Seed, 2))
	descriptors := make([]string, s.Descriptors)
	for i := range descriptors {
		descriptors[i] = s.descriptor(rng)
	}
	w := bufio.NewWriterSize(out, 1<<20)
	for i := range s.Objects {
		d := i // each at least once
		if i >= s.Descriptors {
			d = rng.IntN(s.Descriptors)
		}
		if i%2 == 1 && s.Descriptors < s.Objects { // objects of a folder have equal ones
			d = (i / 16) % s.Descriptors
		}
		typ := "file"
		if i%16 == 0 {
			typ = "directory"
		}
		fmt.Fprintf(w, "{\"path\":\"/srv/share/department%d/project%d/file%d.docx\",\"sd\":\"%s\",\"type\":\"%s\"}\n",
			i/65536, i/256, i, descriptors[d], typ)
	}
	return w.Flush()
}

// descriptor returns a random descriptor as SDDL, with inherited entries for groups and a few users of the domain.
// Equal states of rng give equal descriptors.
func (s *Sample) descriptor(rng *rand.Rand) string {
	masks := [...]string{"0x1200a9", "0x1301bf", "FA", "FR", "0x1201bf"}
	who := func() string {
		if rng.IntN(4) == 0 {
			return fmt.Sprintf("%s-%d", Domain, 100000+rng.IntN(s.Principals))
		}
		return fmt.Sprintf("%s-%d", Domain, 20000+rng.IntN(s.Groups))
	}
	text := "O:" + who() + "G:DUD:AI"
	if rng.IntN(8) == 0 {
		text += "(D;;0x116;;;" + who() + ")"
	}
	for range 1 + rng.IntN(5) {
		text += "(A;ID;" + masks[rng.IntN(len(masks))] + ";;;" + who() + ")"
	}
	if rng.IntN(16) == 0 {
		text += "(A;ID;0x1200a9;;;AU)"
	}
	return text + "(A;ID;FA;;;SY)(A;ID;FA;;;BA)"
}
