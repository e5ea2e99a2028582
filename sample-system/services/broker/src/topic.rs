//! A topic that the broker makes at its start: `name:partitions`.

/// A topic and the number of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    /// Kafka's name of the topic.
    pub(crate) name: String,
    /// How many partitions it has; at least one.
    pub(crate) partitions: i32,
}

/// The longest name that Kafka allows for a topic.
const LONGEST_NAME: usize = 249;

/// The most partitions that one topic may have here; each costs a row and a client's fetch.
const MOST_PARTITIONS: i32 = 1_000;

impl Topic {
    /// Reads `orders:1,mails:3`; a name alone has one partition. Every problem is returned.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, Vec<String>> {
        let mut topics: Vec<Self> = Vec::new();
        let mut problems = Vec::new();
        for entry in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            match Self::one(entry) {
                Ok(topic) if topics.iter().any(|known| known.name == topic.name) => {
                    problems.push(format!("the topic `{}` is named twice", topic.name));
                }
                Ok(topic) => topics.push(topic),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(topics)
        } else {
            Err(problems)
        }
    }

    fn one(entry: &str) -> Result<Self, String> {
        let (name, partitions) = entry.split_once(':').unwrap_or((entry, "1"));
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(legal) {
            return Err(format!(
                "`{entry}`: a topic's name has 1 to {LONGEST_NAME} of the characters a-z A-Z 0-9 . _ -"
            ));
        }
        match partitions.parse::<i32>() {
            Ok(partitions) if (1..=MOST_PARTITIONS).contains(&partitions) => Ok(Self {
                name: name.to_owned(),
                partitions,
            }),
            _ => Err(format!(
                "`{entry}`: the number of partitions is a number from 1 to {MOST_PARTITIONS}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Topic;

    fn topic(name: &str, partitions: i32) -> Topic {
        Topic {
            name: name.to_owned(),
            partitions,
        }
    }

    #[test]
    fn a_name_alone_has_one_partition() {
        assert_eq!(
            Topic::list("orders:3, mails,").unwrap(),
            [topic("orders", 3), topic("mails", 1)]
        );
    }

    #[test]
    fn every_wrong_topic_is_told() {
        let problems = Topic::list("or ders:1,a:0,b:x,:2,c,c").unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:#?}");
    }
}
