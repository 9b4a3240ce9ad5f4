package stages

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// place is a position of the worker of a part: its generation and the input message that it processes or has processed.
type place struct {
	Generation uint64 `json:"generation"`
	Cursor     uint64 `json:"cursor"`
}

// before reports whether a part was at p before it was at o.
func (p place) before(o place) bool {
	return p.Generation < o.Generation || p.Generation == o.Generation && p.Cursor < o.Cursor
}

// announcer says who announces a class: the worker of a part, for the documents of one input message. Once the log of
// the part is at this place, it defines the class, or this worker will never use it (N-148).
type announcer struct {
	part string // name of the part's log
	at   place
}

// subject returns the subject of the message that announces a class to its share. The stream keeps only the last
// message of a subject, so each announcement has its own.
func (a announcer) subject(share int, class string) string {
	return fmt.Sprintf("class.%d.%s.%d.%d.%s", share, a.part, a.at.Generation, a.at.Cursor, class)
}

// parseAnnouncer parses the subject of a message that announces a class. It returns an error for another form.
func parseAnnouncer(subject string) (a announcer, class string, err error) {
	words := strings.Split(subject, ".")
	n := len(words) - 3
	if n > 2 && words[0] == "class" {
		var err1, err2 error
		a.at.Generation, err1 = strconv.ParseUint(words[n], 10, 64)
		a.at.Cursor, err2 = strconv.ParseUint(words[n+1], 10, 64)
		if a.part, class = strings.Join(words[2:n], "."), words[n+2]; err1 == nil && err2 == nil {
			return a, class, nil
		}
	}
	return a, "", fmt.Errorf("%s: want class.SHARE.PART.GENERATION.CURSOR.CLASS", subject)
}

// noteAnnouncement notes an announcement of a part, which the next record of the log contains.
func (l *ledger) noteAnnouncement(a announcer) {
	if !l.announced[a.part].before(a.at) {
		return
	}
	if l.pending == nil {
		l.pending = map[string]place{}
	}
	l.announced[a.part], l.pending[a.part] = a.at, a.at
}

// forgetOtherParts forgets the announcements of parts that the site does not have any more. The next record says so by
// zero places.
func (l *ledger) forgetOtherParts() {
	others := maps.Clone(l.announced)
	for _, p := range l.c.site.DocumentParts() {
		delete(others, "rows."+p.Subject())
	}
	for part := range others {
		delete(l.announced, part)
		others[part] = place{}
	}
	l.pending = others
}
