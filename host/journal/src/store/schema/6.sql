-- Open incidents in the order of their ids, for whoever looks at all of them a few at a time.
CREATE INDEX incidents_open_by_id ON incidents (id) WHERE same_alert IS NOT NULL;
