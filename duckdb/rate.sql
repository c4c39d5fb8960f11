-- How many pageviews of a visitor in a while are too many for a person, as text;
-- see pageview.Rate.
ALTER TABLE sites ADD COLUMN rate VARCHAR DEFAULT '';
