package stream

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/stream/wire"
)

// verdictRecord is what is read of a verdict record.
type verdictRecord struct {
	ID      json.RawMessage `json:"transaction_id"`
	Verdict string          `json:"verdict"`
	Score   int64           `json:"score"`
	Arrival time.Time       `json:"arrival_time"`
	Run     string          `json:"run"`
}

// readBack is what a verdict record says of its id.
type readBack struct {
	id   event.Key
	text []byte // of the id, as the journal has it
	run  string
	scoring.Earlier
}

// decidedBy reads a verdict record; markers and what is none are stepped over.
func (p *Processor) decidedBy(rec *wire.Record) (d readBack, ok bool) {
	text, v, ok := glance(rec.Value)
	if !ok {
		if text, v, ok = peruse(rec.Value); !ok {
			return d, false
		}
	}
	if d.id, ok = p.o.Schema.IDKey(text); !ok {
		return d, false
	}
	if p.journal != nil {
		d.text, _ = p.o.Schema.AppendIDValue(nil, text)
	}
	d.run = v.Run
	d.Earlier = scoring.Earlier{Verdict: verdictNamed(v.Verdict), Score: v.Score, Arrival: v.Arrival.UnixNano()}
	return d, d.Verdict != rules.NoVerdict
}

// peruse reads any verdict record.
func peruse(record []byte) (id string, v verdictRecord, ok bool) {
	if record == nil || json.Unmarshal(record, &v) != nil {
		return "", v, false
	}
	id = string(v.ID)
	if len(v.ID) > 0 && v.ID[0] == '"' && json.Unmarshal(v.ID, &id) != nil {
		return "", v, false
	}
	return id, v, true
}

// glance reads a verdict record as this program writes it, a hundred times as
// fast; what looks otherwise is for peruse.
func glance(record []byte) (id string, v verdictRecord, ok bool) {
	rest, ok := bytes.CutPrefix(record, []byte(`{"transaction_id":`))
	if !ok {
		return "", v, false
	}
	raw, rest, ok := bytes.Cut(rest, []byte(`,"verdict":"`))
	if !ok || bytes.ContainsAny(raw, "\\ ") {
		return "", v, false
	}
	if n := len(raw); n >= 2 && raw[0] == '"' && raw[n-1] == '"' {
		raw = raw[1 : n-1]
	}
	verdict, rest, ok := bytes.Cut(rest, []byte(`","score":`))
	if !ok {
		return "", v, false
	}
	score, rest, ok := bytes.Cut(rest, []byte{','})
	if !ok {
		return "", v, false
	}
	var err error
	if v.Score, err = strconv.ParseInt(string(score), 10, 64); err != nil {
		return "", v, false
	}
	v.Verdict = string(verdict)
	arrival, ok := quoted(rest, `"arrival_time":"`)
	if !ok {
		return "", v, false
	}
	if v.Arrival, err = time.Parse(time.RFC3339Nano, arrival); err != nil {
		return "", v, false
	}
	v.Run, ok = quoted(rest, `"run":"`)
	return string(raw), v, ok
}

// quoted gives the text behind a name with its bare quotes, which no text in a
// record can hold.
func quoted(record []byte, name string) (text string, ok bool) {
	i := bytes.Index(record, []byte(name))
	if i < 0 {
		return "", false
	}
	rest := record[i+len(name):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
		return "", false
	}
	return string(rest[:end]), true
}

// arrivedBefore says, without reading the whole record, that it is of a
// transaction too old to matter. After a replay of old data that is most of the
// topic. No text in a record can hold the name with its bare quotes.
func arrivedBefore(record []byte, since int64) bool {
	text, ok := quoted(record, `"arrival_time":"`)
	if !ok {
		return false
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && at.UnixNano() < since
}

// verdictOf reads the verdict of a record.
func verdictOf(record []byte) rules.Verdict {
	var v verdictRecord
	if json.Unmarshal(record, &v) != nil {
		return rules.NoVerdict
	}
	return verdictNamed(v.Verdict)
}

func verdictNamed(name string) rules.Verdict {
	for _, v := range []rules.Verdict{rules.Allow, rules.Review, rules.Deny} {
		if v.String() == name {
			return v
		}
	}
	return rules.NoVerdict
}
